#include "core/store/sqlite/connection.h"

#include <sqlite3.h>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/log.h"

namespace sluice {

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
  switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
      return absl::OkStatus();
    case SQLITE_CONSTRAINT:
      return absl::AlreadyExistsError(sqlite3_errmsg(database_));
    case SQLITE_FULL:
      return WithReason(absl::UnavailableError("the disk is full: free space in the data directory"),
                        "DISK_FULL");
    case SQLITE_NOMEM:
      return WithReason(absl::UnavailableError("the store has not the memory for this: try later"),
                        "MEMORY_LOW");
    case SQLITE_BUSY:
      return WithReason(absl::UnavailableError("another process uses the data directory"),
                        "DATA_DIRECTORY_IN_USE");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
      failed_ = true;
      Log(LogLevel::kError, path_, ": ", sqlite3_errstr(code), " (", code, ")");
      return WithReason(absl::UnavailableError(absl::StrCat("the store failed: ", sqlite3_errstr(code))),
                        "STORE_FAILED");
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
