#include "core/store/sqlite/directory_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/store/sqlite/openable.h"

namespace sluice {

absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string directory = parent.empty() ? "." : parent;
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return CannotUse("open the directory", directory, errno);
  const int unsynced = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  if (unsynced == 0) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot sync the directory ", directory, ": ", std::generic_category().message(unsynced)));
}

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_type found = std::filesystem::status(path, error).type();
  if (found == std::filesystem::file_type::directory) return absl::OkStatus();
  if (found != std::filesystem::file_type::not_found) {
    return CannotUse("use the directory", path, error ? error.value() : ENOTDIR);
  }
  const std::filesystem::path above = std::filesystem::path(path).parent_path();
  if (!above.empty() && above != path) SLUICE_RETURN_IF_ERROR(MakeDirectory(above.string()));
  std::filesystem::create_directory(path, error);
  if (error) return CannotUse("make the directory", path, error.value());
  return SyncDirectoryOf(path);
}

}  // namespace sluice
