#include "core/base/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/descriptors.h"

namespace sluice {
namespace {

constexpr int kMostLinks = 40;  // as the kernel follows

absl::Status CannotWrite(const std::string& path, int error) {
  return absl::UnavailableError(
      absl::StrCat(path, " cannot be written: ", std::generic_category().message(error)));
}

// Where a link leads, also one that leads to no file yet: a rename would replace the link itself.
std::string Target(const std::string& path) {
  std::filesystem::path target = path;
  std::error_code error;
  for (int i = 0; i < kMostLinks && std::filesystem::is_symlink(target, error); ++i) {
    target = target.parent_path() / std::filesystem::read_symlink(target, error);
  }
  return target.string();
}

// 0 or what the system said.
int WriteAndClose(int descriptor, absl::string_view contents) {
  const int failed = WriteAll(descriptor, contents).value();
  return close(descriptor) != 0 && failed == 0 ? errno : failed;
}

}  // namespace

absl::Status WriteWholeFile(const std::string& path, absl::string_view contents) {
  struct stat there;
  if (stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    const int descriptor = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    const int failed = descriptor < 0 ? errno : WriteAndClose(descriptor, contents);
    return failed == 0 ? absl::OkStatus() : CannotWrite(path, failed);
  }
  const std::string target = Target(path);
  const std::string unfinished = target + ".new";
  unlink(unfinished.c_str());  // what a crash left; what else stands there ends the next step
  const int descriptor = open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor < 0) return CannotWrite(unfinished, errno);
  int failed = WriteAndClose(descriptor, contents);
  if (failed == 0 && std::rename(unfinished.c_str(), target.c_str()) != 0) failed = errno;
  if (failed == 0) return absl::OkStatus();
  unlink(unfinished.c_str());
  return CannotWrite(path, failed);
}

}  // namespace sluice
