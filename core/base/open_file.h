// OpenFile: owns a file descriptor.
#pragma once

#include <utility>

namespace sluice {

// Closes on destruction. Movable; a moved-from one owns nothing.
class OpenFile {
 public:
  OpenFile() = default;
  explicit OpenFile(int descriptor) : descriptor_(descriptor) {}
  ~OpenFile() { Close(); }
  OpenFile(OpenFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  OpenFile& operator=(OpenFile&& other) noexcept {
    if (this != &other) {
      Close();
      descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
  }

  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }
  // Idempotent. Errors of close are not told: sync before, where they matter.
  void Close();

 private:
  int descriptor_ = -1;
};

}  // namespace sluice
