#include "core/store/sqlite/online_backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/store/sqlite/directory_sync.h"
#include "core/store/sqlite/schema.h"
#include "core/store/sqlite/sqlite_batch_store.h"

namespace sluice {
namespace {

constexpr int kPagesAStep = 256;

constexpr const char* kPartial = ".partial";

std::string PartialOf(const std::string& path) {
  return path + kPartial;
}

absl::Status CannotWrite(const std::string& path, absl::string_view why) {
  return absl::UnavailableError(absl::StrCat("cannot write the backup ", path, ": ", why));
}

}  // namespace

absl::StatusOr<std::unique_ptr<OnlineBackup>> OnlineBackup::Start(Connection& source, std::string path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) {
    return absl::AlreadyExistsError(absl::StrCat("there is a backup ", path, " already"));
  }
  const std::string partial = PartialOf(path);
  std::filesystem::remove(partial, error);
  sqlite3* copy = nullptr;
  const int opened = sqlite3_open_v2(
      partial.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (opened == SQLITE_OK) {
    // Publish syncs, once for all.
    sqlite3_exec(copy, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", nullptr, nullptr, nullptr);
  }
  sqlite3_backup* backup =
      opened == SQLITE_OK ? sqlite3_backup_init(copy, "main", source.database(), "main") : nullptr;
  if (backup == nullptr) {
    const absl::Status status = CannotWrite(path, sqlite3_errmsg(copy));
    sqlite3_close(copy);
    std::filesystem::remove(partial, error);
    return status;
  }
  return std::unique_ptr<OnlineBackup>(new OnlineBackup(std::move(path), copy, backup));
}

void RemovePartialBackups(const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::filesystem::path path = entry->path();
    if (path.extension() != kPartial) continue;
    std::error_code why;
    if (std::filesystem::remove(path, why)) {
      Log(LogLevel::kInfo, "removed ", path.string(), ": its backup did not end");
    } else {
      Log(LogLevel::kWarning, "cannot remove ", path.string(), ": ", why.message());
    }
  }
}

OnlineBackup::~OnlineBackup() {
  if (backup_ != nullptr) sqlite3_backup_finish(backup_);
  sqlite3_close(copy_);
  std::error_code error;
  std::filesystem::remove(PartialOf(path_), error);  // renamed if it is complete
}

absl::StatusOr<bool> OnlineBackup::Step() {
  const int code = sqlite3_backup_step(backup_, kPagesAStep);
  if (code == SQLITE_OK) return false;
  if (code != SQLITE_DONE) return CannotWrite(path_, sqlite3_errstr(code));
  SLUICE_RETURN_IF_ERROR(Close());
  return true;
}

absl::Status OnlineBackup::Close() {
  const int finished = sqlite3_backup_finish(std::exchange(backup_, nullptr));
  const int marked = sqlite3_exec(copy_, kBackupMark, nullptr, nullptr, nullptr);
  const int closed = sqlite3_close(std::exchange(copy_, nullptr));  // leaves no log
  for (const int code : {finished, marked, closed}) {
    if (code != SQLITE_OK) return CannotWrite(path_, sqlite3_errstr(code));
  }
  return absl::OkStatus();
}

absl::Status OnlineBackup::Publish() const {
  const int descriptor = open(PartialOf(path_).c_str(), O_RDONLY);
  if (descriptor < 0) return CannotWrite(path_, "its copy cannot be opened");
  const int synced = fsync(descriptor);
  close(descriptor);
  if (synced != 0) return CannotWrite(path_, "it cannot be synced");
  std::error_code error;
  std::filesystem::rename(PartialOf(path_), path_, error);
  if (error) return CannotWrite(path_, error.message());
  return SyncDirectoryOf(path_);
}

}  // namespace sluice
