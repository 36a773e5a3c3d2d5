#include "core/store/sqlite/end_mark.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/store/sqlite/directory_sync.h"

namespace sluice {

std::string EndMarkOf(const std::string& store) {
  return store + ".ended";
}

bool HasEndMark(const std::string& store) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(EndMarkOf(store), error));
}

void LeaveEndMark(const std::string& store) {
  // Not synced: it need only outlive the process, and the disk may be what failed.
  const int mark = open(EndMarkOf(store).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  const int error = mark < 0 ? errno : 0;
  if (mark >= 0) close(mark);
  if (error == 0 || error == EEXIST) return;
  Log(LogLevel::kWarning, "cannot write ", EndMarkOf(store), ": ", std::generic_category().message(error),
      "; the next start will take this end for a death and run what was in flight alone");
}

absl::Status RemoveEndMark(const std::string& store) {
  std::error_code error;
  const bool removed = std::filesystem::remove(EndMarkOf(store), error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot remove ", EndMarkOf(store), ": ", error.message(), "; remove it by hand"));
  }
  return removed ? SyncDirectoryOf(store) : absl::OkStatus();
}

}  // namespace sluice
