// OpenConnections: which of the descriptors that were handed to somebody else are still the same connections.
#pragma once

#include <sys/stat.h>

#include <unordered_map>

namespace sluice {

// Whoever closes a connection does not tell. The system gives each socket an inode number of its own, and the
// descriptor of a closed one names another file or none. Not thread-safe. Takes no lock and does not block.
class OpenConnections {
 public:
  void Add(int descriptor) {
    if (struct stat found; fstat(descriptor, &found) == 0) inodes_[descriptor] = found.st_ino;
  }

  // At least as many as are open; exact after Recount.
  size_t AtMost() const { return inodes_.size(); }

  // One system call a connection.
  size_t Recount() {
    for (auto each = inodes_.begin(); each != inodes_.end();) {
      struct stat found;
      const bool open = fstat(each->first, &found) == 0 && found.st_ino == each->second;
      each = open ? std::next(each) : inodes_.erase(each);
    }
    return inodes_.size();
  }

 private:
  std::unordered_map<int, ino_t> inodes_;
};

}  // namespace sluice
