#include "core/store/sqlite/online_backup.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
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

absl::Status CannotWrite(const std::string& path, int error) {
  return CannotWrite(path, std::generic_category().message(error));
}

absl::Status AlreadyThere(const std::string& path) {
  return absl::AlreadyExistsError(absl::StrCat("there is a backup ", path, " already"));
}

// A copy that does not fit would take the room that batches need, down to the last byte.
absl::Status CheckRoom(Connection& source, const std::string& path) {
  Query pages = source.Select("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()");
  const int64_t bytes = pages.Step() ? pages.Int(0) : 0;
  SLUICE_RETURN_IF_ERROR(pages.status());
  std::error_code error;
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  const std::filesystem::space_info space =
      std::filesystem::space(directory.empty() ? "." : directory, error);
  if (error) return CannotWrite(path, error.message());
  if (space.available >= static_cast<uintmax_t>(bytes)) return absl::OkStatus();
  return CannotWrite(path, absl::StrCat("it needs ", bytes, " bytes and the disk has ", space.available));
}

// Ours from its first byte: SQLite would follow a link, or write into what stands there.
absl::Status MakePartial(const std::string& path) {
  const std::string partial = PartialOf(path);
  unlink(partial.c_str());
  const int descriptor = open(partial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (descriptor < 0) return CannotWrite(path, errno);
  close(descriptor);
  return absl::OkStatus();
}

// 0 or what the system said. Replaces nothing.
int GiveName(const std::string& partial, const std::string& path) {
  if (link(partial.c_str(), path.c_str()) == 0) return unlink(partial.c_str()) == 0 ? 0 : errno;
  if (errno == EEXIST) return EEXIST;
  // A file system without links.
  struct stat there;
  if (lstat(path.c_str(), &there) == 0) return EEXIST;
  return std::rename(partial.c_str(), path.c_str()) == 0 ? 0 : errno;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OnlineBackup>> OnlineBackup::Start(Connection& source, std::string path) {
  struct stat there;
  if (lstat(path.c_str(), &there) == 0) return AlreadyThere(path);
  SLUICE_RETURN_IF_ERROR(CheckRoom(source, path));
  SLUICE_RETURN_IF_ERROR(MakePartial(path));
  const std::string partial = PartialOf(path);
  sqlite3* copy = nullptr;
  const int opened =
      sqlite3_open_v2(partial.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (opened == SQLITE_OK) {
    // Publish syncs, once for all.
    sqlite3_exec(copy, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF", nullptr, nullptr, nullptr);
  }
  sqlite3_backup* backup =
      opened == SQLITE_OK ? sqlite3_backup_init(copy, "main", source.database(), "main") : nullptr;
  if (backup == nullptr) {
    const absl::Status status = CannotWrite(path, sqlite3_errmsg(copy));
    sqlite3_close(copy);
    unlink(partial.c_str());
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
  const std::string partial = PartialOf(path_);
  const int descriptor = open(partial.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (descriptor < 0) return CannotWrite(path_, errno);
  const int unsynced = fsync(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  if (unsynced != 0) return CannotWrite(path_, unsynced);
  const int unnamed = GiveName(partial, path_);
  if (unnamed == EEXIST) return AlreadyThere(path_);
  if (unnamed != 0) return CannotWrite(path_, unnamed);
  return SyncDirectoryOf(path_);
}

}  // namespace sluice
