#include "core/store/sqlite/end_mark.h"

#include <filesystem>
#include <fstream>
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
  return std::filesystem::exists(EndMarkOf(store), error);
}

void LeaveEndMark(const std::string& store) {
  // Not synced: it need only outlive the process, and the disk may be what failed.
  const std::ofstream mark(EndMarkOf(store));
  if (mark.is_open()) return;
  Log(LogLevel::kWarning, "cannot write ", EndMarkOf(store),
      ": the next start will take this end for a death and run what was in flight alone");
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
