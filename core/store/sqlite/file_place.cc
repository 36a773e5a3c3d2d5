#include "core/store/sqlite/file_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#if defined(__linux__)
#include <sys/sysmacros.h>
#endif

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

absl::Status CannotLookAt(const std::string& path, int error) {
  if (error == ENOENT) return absl::UnavailableError(absl::StrCat(path, " was removed or renamed"));
  return absl::UnavailableError(
      absl::StrCat(path, " cannot be looked at: ", std::generic_category().message(error)));
}

}  // namespace

int FilePlace::Identify(const std::string& path, Identity& found) {
#if defined(STATX_INO)
  // Not stat(): once its times were asked for, a file has new ones from each write (Linux 6.13), and the file
  // system's journal has to take them.
  struct statx known;
  if (statx(AT_FDCWD, path.c_str(), 0, STATX_INO, &known) == 0) {
    found = {makedev(known.stx_dev_major, known.stx_dev_minor), known.stx_ino};
    return 0;
  }
  if (errno != EPERM)
    return errno;  // which an old container's filter answers for calls that it does not know
#endif
  struct stat file;
  if (stat(path.c_str(), &file) != 0) return errno;
  found = {file.st_dev, file.st_ino};
  return 0;
}

absl::StatusOr<FilePlace> FilePlace::Of(std::string path) {
  Identity identity;
  if (const int error = Identify(path, identity); error != 0) return CannotLookAt(path, error);
  return FilePlace(std::move(path), identity);
}

absl::Status FilePlace::Check() const {
  Identity found;
  if (const int error = Identify(path_, found); error != 0) return CannotLookAt(path_, error);
  if (found == identity_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path_, " was replaced by another file"));
}

}  // namespace sluice
