// OnlineBackup: a consistent copy of an open database, made a piece at a time between transactions.
//
// What the connection writes meanwhile goes into the copy, too: it holds the database as it was at the last
// piece, and says of itself that it is a backup (kBackupMark). Source: SQLite's online backup API
// (sqlite.org/backup.html).
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/store/sqlite/connection.h"

struct sqlite3_backup;

namespace sluice {

// Not thread-safe: of the thread that owns `source`, which must outlive it, but for Publish. Destroyed early
// it leaves nothing.
class OnlineBackup {
 public:
  // The copy is written beside `path` as PATH.partial and renamed when it is complete and on the disk.
  // ALREADY_EXISTS: there is a file of this name. UNAVAILABLE: it cannot be written.
  static absl::StatusOr<std::unique_ptr<OnlineBackup>> Start(Connection& source, std::string path);
  ~OnlineBackup();
  OnlineBackup(const OnlineBackup&) = delete;
  OnlineBackup& operator=(const OnlineBackup&) = delete;

  // Outside a transaction. Copies up to 1 MiB; true once the copy is complete. Waits for no sync.
  absl::StatusOr<bool> Step();

  // Once, after Step answered true, by any one thread: syncs the copy, which takes as long as the disk takes
  // for all of it, and gives it its name.
  absl::Status Publish() const;

 private:
  OnlineBackup(std::string path, sqlite3* copy, sqlite3_backup* backup)
      : path_(std::move(path)), copy_(copy), backup_(backup) {}
  absl::Status Close();

  const std::string path_;
  sqlite3* copy_;
  sqlite3_backup* backup_;
};

}  // namespace sluice
