#include "core/store/sqlite/disk_reserve.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/base/log.h"

namespace sluice {
namespace {

// Whether the file is as long as it should be, and has the blocks.
bool HasRoom(const struct stat& file, int64_t bytes) {
  return S_ISREG(file.st_mode) && file.st_size == bytes && int64_t{file.st_blocks} * 512 >= bytes;
}

// 0 or what the system said.
int Allocate(int descriptor, int64_t bytes) {
#if defined(_POSIX_ADVISORY_INFO) && _POSIX_ADVISORY_INFO > 0
  return posix_fallocate(descriptor, 0, bytes);
#else
  const std::string zeros(1 << 20, '\0');
  for (int64_t written = 0; written < bytes;) {
    const int64_t piece = std::min<int64_t>(bytes - written, static_cast<int64_t>(zeros.size()));
    const ssize_t some = pwrite(descriptor, zeros.data(), static_cast<size_t>(piece), written);
    if (some < 0) return errno;
    written += some;
  }
  return 0;
#endif
}

bool IsFull(int error) {
  return error == ENOSPC || error == EDQUOT;
}

}  // namespace

DiskReserve::DiskReserve(std::string path, int64_t bytes) : path_(std::move(path)), bytes_(bytes) {
  struct stat file;
  held_ = bytes_ > 0 && lstat(path_.c_str(), &file) == 0 && HasRoom(file, bytes_);
}

bool DiskReserve::Take() {
  if (held_ || bytes_ == 0 || unusable_) return held_;
  // Looked at first: what is tried in vain fills the disk for a moment.
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::path(path_).parent_path();
  const std::filesystem::space_info space =
      std::filesystem::space(directory.empty() ? "." : directory, error);
  if (!error && space.available < static_cast<uintmax_t>(bytes_)) return false;
  if (!Fill()) return false;
  held_ = true;
  spent_ = false;
  return true;
}

bool DiskReserve::Fill() {
  const int descriptor =
      open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
  if (descriptor < 0) return GiveUp(errno);
  struct stat file;
  int failed = fstat(descriptor, &file) != 0 || !S_ISREG(file.st_mode) ? EINVAL : 0;
  if (failed == 0 && ftruncate(descriptor, 0) != 0) failed = errno;
  if (failed == 0) failed = Allocate(descriptor, bytes_);
  close(descriptor);
  if (failed == 0) return true;
  unlink(path_.c_str());  // a part of it is no use, and in the way
  return GiveUp(failed);
}

bool DiskReserve::GiveUp(int error) {
  if (IsFull(error)) return false;
  unusable_ = true;
  Log(LogLevel::kWarning, path_,
      ": no room can be kept for a full disk: ", std::generic_category().message(error));
  return false;
}

bool DiskReserve::Release() {
  if (!held_) return false;
  held_ = false;
  spent_ = unlink(path_.c_str()) == 0;
  return spent_;
}

std::string DiskReserveOf(const std::string& path) {
  return path + ".reserve";
}

}  // namespace sluice
