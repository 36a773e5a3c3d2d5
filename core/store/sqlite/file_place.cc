#include "core/store/sqlite/file_place.h"

#include <sys/stat.h>

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

absl::StatusOr<FilePlace> FilePlace::Of(std::string path) {
  struct stat file;
  if (stat(path.c_str(), &file) != 0) return CannotLookAt(path, errno);
  return FilePlace(std::move(path), file.st_dev, file.st_ino);
}

absl::Status FilePlace::Check() const {
  struct stat file;
  if (stat(path_.c_str(), &file) != 0) return CannotLookAt(path_, errno);
  if (file.st_dev == device_ && file.st_ino == inode_) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path_, " was replaced by another file"));
}

}  // namespace sluice
