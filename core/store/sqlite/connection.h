// Connection and Query: a thin, typed wrapper over one SQLite connection.
//
//   Query jobs = connection.Select("SELECT id, payload FROM job WHERE batch = ?", batch);
//   while (jobs.Step()) Use(jobs.Bytes(0), jobs.Bytes(1));
//   SLUICE_RETURN_IF_ERROR(jobs.status());
//
// Not thread-safe: one thread owns a connection and all that comes from it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/store/sqlite/file_place.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice {

// Bound as BLOB; a plain string_view is bound as TEXT.
struct Blob {
  absl::string_view bytes;
};

class Connection;

// One run of a prepared statement. Bound texts must outlive it. Only one Query of the same SQL may be alive
// at a time.
class Query {
 public:
  template <typename... Args>
  Query(Connection& connection, absl::string_view sql, const Args&... args);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Moves to the next row; false at the end or on an error, which status() tells.
  bool Step();
  const absl::Status& status() const { return status_; }
  absl::Status Finish();  // steps to the end

  int64_t Int(int column) const;
  double Real(int column) const;
  bool IsNull(int column) const;
  absl::string_view Bytes(int column) const;  // TEXT or BLOB; valid until the next Step
  std::string String(int column) const { return std::string(Bytes(column)); }

 private:
  friend class Connection;
  void Bind(int index, int64_t value);
  void Bind(int index, int value) { Bind(index, int64_t{value}); }
  void Bind(int index, double value);
  void Bind(int index, absl::string_view text);
  void Bind(int index, const std::string& text) { Bind(index, absl::string_view(text)); }
  void Bind(int index, const char* text) { Bind(index, absl::string_view(text)); }
  void Bind(int index, Blob blob);

  Connection& connection_;
  absl::Status status_;
  sqlite3_stmt* const statement_;
  bool done_ = false;
};

class Connection {
 public:
  // Opens or creates the file. UNAVAILABLE when it cannot be opened.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path);
  ~Connection();

  // Prepared once, kept. Arguments go to ?1, ?2, … in order.
  template <typename... Args>
  Query Select(absl::string_view sql, const Args&... args) {
    return Query(*this, sql, args...);
  }
  template <typename... Args>
  absl::Status Run(absl::string_view sql, const Args&... args) {
    return Query(*this, sql, args...).Finish();
  }
  // Any number of statements, not kept.
  absl::Status Script(const std::string& sql);

  // Once the log is open: from now on Commit knows whether what it wrote can be found again.
  absl::Status WatchPlace();
  // Ends the transaction. An error: nothing of it counts; where the file failed, it may still be there after
  // a restart. What was written to a file that is no longer at its path is such an error.
  absl::Status Commit();
  // OK while the file and its log are at their paths; else the connection has failed.
  absl::Status CheckPlace();

  // What the file's disk has left. A disk that can only be read has failed the connection: what is idle finds
  // out by this.
  absl::StatusOr<int64_t> FreeDiskBytes();

  int64_t changes() const;      // rows that the last statement changed
  bool in_transaction() const;  // SQLite ends one by itself after some errors
  // Set by the first I/O or corruption error, or when the file lost its place, and for good: what the file
  // holds is no longer known.
  bool failed() const { return failed_; }
  sqlite3* database() { return database_; }  // for SQLite's own interfaces; owned here

 private:
  friend class Query;
  Connection(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}
  sqlite3_stmt* Prepare(absl::string_view sql, absl::Status& status);  // null on an error
  absl::Status StatusOf(int code);
  absl::Status Fail(absl::string_view why);  // for good; logged once

  const std::string path_;
  sqlite3* const database_;
  absl::flat_hash_map<std::string, sqlite3_stmt*> statements_;
  std::vector<FilePlace> places_;  // of the file and its log, once watched
  bool failed_ = false;
};

template <typename... Args>
Query::Query(Connection& connection, absl::string_view sql, const Args&... args)
    : connection_(connection), statement_(connection.Prepare(sql, status_)) {
  int index = 0;
  (Bind(++index, args), ...);
}

}  // namespace sluice
