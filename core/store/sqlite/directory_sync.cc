#include "core/store/sqlite/directory_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"

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

}  // namespace sluice
