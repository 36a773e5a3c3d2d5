// FilePlace: whether a file that is held open is still the one at its path.
//
// A file that was removed, renamed or hidden under a mount takes writes and syncs as ever, and loses them all
// when it is closed. Only its path tells.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

// Immutable; thread-safe. Both calls ask the kernel once and wait for no disk but a remote one.
class FilePlace {
 public:
  // Of the file that is at `path` now. UNAVAILABLE when it cannot be looked at.
  static absl::StatusOr<FilePlace> Of(std::string path);

  // UNAVAILABLE says what is at the path instead, or why that cannot be told.
  absl::Status Check() const;

 private:
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const Identity&) const = default;
  };
  static int Identify(const std::string& path, Identity& found);  // 0 or errno

  FilePlace(std::string path, Identity identity) : path_(std::move(path)), identity_(identity) {}

  std::string path_;
  Identity identity_;
};

}  // namespace sluice
