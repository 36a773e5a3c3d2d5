#include "core/store/sqlite/directory_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace sluice {

absl::Status SyncDirectoryOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string directory = parent.empty() ? "." : parent;
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return absl::UnavailableError(absl::StrCat("cannot open the directory ", directory));
  const int synced = fsync(descriptor);
  close(descriptor);
  if (synced == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot sync the directory ", directory));
}

absl::Status MakeDirectory(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return absl::OkStatus();
  const std::filesystem::path above = std::filesystem::path(path).parent_path();
  if (!above.empty() && above != path) SLUICE_RETURN_IF_ERROR(MakeDirectory(above.string()));
  std::filesystem::create_directory(path, error);
  if (error || !std::filesystem::is_directory(path, error)) {
    return absl::UnavailableError(absl::StrCat(path, " is not a directory and cannot be made one"));
  }
  return SyncDirectoryOf(path);
}

}  // namespace sluice
