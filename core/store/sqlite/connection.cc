#include "core/store/sqlite/connection.h"

#include <sqlite3.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"

namespace sluice {
namespace {

bool IsQuotaExceeded(int code, int system_error) {
  return code == SQLITE_IOERR_WRITE && system_error == EDQUOT;
}

int LastErrorOf(sqlite3_file* file) {
  int error = 0;
  if (file == nullptr || file->pMethods == nullptr) return 0;
  file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
  return error;
}

// What the system last said of the file or its log: SQLite's own note of it lacks what a commit met. An
// exceeded quota may be an old story, all others end the connection.
int SystemErrorOf(sqlite3* database) {
  int found = sqlite3_system_errno(database);
  for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(database, "main", which, &file);
    const int error = LastErrorOf(file);
    if (found == 0 || (found == EDQUOT && error != 0)) found = error;
  }
  return found;
}

}  // namespace

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Query::Step() {
  if (done_ || !status_.ok()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  done_ = true;  // one more sqlite3_step would run the statement again
  if (code != SQLITE_DONE) status_ = connection_.StatusOf(code);
  return false;
}

absl::Status Query::Finish() {
  while (Step()) {
  }
  return status_;
}

int64_t Query::Int(int column) const {
  return sqlite3_column_int64(statement_, column);
}
double Query::Real(int column) const {
  return sqlite3_column_double(statement_, column);
}
bool Query::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

absl::string_view Query::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

void Query::Bind(int index, int64_t value) {
  if (statement_ != nullptr) sqlite3_bind_int64(statement_, index, value);
}

void Query::Bind(int index, double value) {
  if (statement_ != nullptr) sqlite3_bind_double(statement_, index, value);
}

void Query::Bind(int index, absl::string_view text) {
  const char* start = text.data() == nullptr ? "" : text.data();
  if (statement_ != nullptr)
    sqlite3_bind_text64(statement_, index, start, text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void Query::Bind(int index, Blob blob) {
  const char* start = blob.bytes.data() == nullptr ? "" : blob.bytes.data();
  if (statement_ != nullptr) sqlite3_bind_blob64(statement_, index, start, blob.bytes.size(), SQLITE_STATIC);
}

absl::StatusOr<std::unique_ptr<Connection>> Connection::Open(const std::string& path) {
  sqlite3* database = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  if (code != SQLITE_OK) {
    sqlite3_close(database);
    return WithReason(absl::UnavailableError(absl::StrCat("cannot open ", path, ": ", sqlite3_errstr(code))),
                      "STORE_FAILED");
  }
  return std::unique_ptr<Connection>(new Connection(path, database));
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  // After a failed fsync nothing may be flushed again: what the kernel dropped would look durable.
  if (failed_) sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_close(database_);
}

absl::Status Connection::Script(const std::string& sql) {
  return StatusOf(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr));
}

absl::Status Connection::WatchPlace() {
  int moved = 0;
  const int known = sqlite3_file_control(database_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  if (known == SQLITE_NOTFOUND) return absl::OkStatus();  // no files of the system's: a test's
  // As SQLite opened them: beside the file itself, should `path_` be a link to it.
  const std::string log = sqlite3_filename_wal(sqlite3_db_filename(database_, "main"));
  for (const std::string& path : {path_, log}) {
    SLUICE_ASSIGN_OR_RETURN(FilePlace place, FilePlace::Of(path));
    places_.push_back(std::move(place));
  }
  if (moved == 0) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat(path_, " was replaced while it was opened"));
}

absl::Status Connection::CheckPlace() {
  for (const FilePlace& place : places_) {
    if (const absl::Status found = place.Check(); !found.ok()) return Fail(found.message());
  }
  return absl::OkStatus();
}

absl::Status Connection::Fail(absl::string_view why) {
  if (!std::exchange(failed_, true)) Log(LogLevel::kError, why, ": nothing more is written to it");
  return WithReason(absl::UnavailableError(why), "STORE_FAILED");
}

absl::StatusOr<int64_t> Connection::FreeDiskBytes() {
  struct statvfs disk;
  if (statvfs(path_.c_str(), &disk) != 0) return 0;  // the file itself is looked at by the commit
  if ((disk.f_flag & ST_RDONLY) != 0) return Fail(absl::StrCat(path_, " is on a disk that became read-only"));
  return static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
}

absl::Status Connection::Commit() {
  const absl::Status committed = Run("COMMIT");
  if (committed.ok()) return CheckPlace();
  if (in_transaction()) Run("ROLLBACK").IgnoreError();
  return committed;
}

int64_t Connection::changes() const {
  return sqlite3_changes64(database_);
}
bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(database_) == 0;
}

sqlite3_stmt* Connection::Prepare(absl::string_view sql, absl::Status& status) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second;
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    status = StatusOf(code);
    return nullptr;
  }
  statements_.emplace(sql, statement);
  return statement;
}

absl::Status Connection::StatusOf(int code) {
  if (code == SQLITE_OK || code == SQLITE_DONE) return absl::OkStatus();
  const int system_error = SystemErrorOf(database_);
  if (IsQuotaExceeded(code, system_error)) code = SQLITE_FULL;
  switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(sqlite3_errmsg(database_));
    case SQLITE_FULL:
      return DiskFull();
    case SQLITE_NOMEM:
      return WithReason(absl::UnavailableError("the store has not the memory for this: try later"),
                        "MEMORY_LOW");
    case SQLITE_BUSY:
      return WithReason(absl::UnavailableError("another process uses the data directory"),
                        "DATA_DIRECTORY_IN_USE");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY: {
      std::string why = absl::StrCat(sqlite3_errstr(code), " (", code, ")");
      if (system_error != 0) absl::StrAppend(&why, ": ", std::generic_category().message(system_error));
      failed_ = true;
      Log(LogLevel::kError, path_, ": ", why);
      return WithReason(absl::UnavailableError(absl::StrCat("the store failed: ", why)), "STORE_FAILED");
    }
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      failed_ = true;
      Log(LogLevel::kError, path_, ": the file is damaged (", code, ")");
      return absl::DataLossError(
          "the store's file is damaged: restore it from a copy or start with an empty directory");
    default:
      return absl::InternalError(absl::StrCat("sqlite: ", sqlite3_errmsg(database_), " (", code, ")"));
  }
}

}  // namespace sluice
