#include "core/store/sqlite/open_database.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/sqlite/directory_sync.h"
#include "core/store/sqlite/openable.h"

namespace sluice {
namespace {

constexpr absl::string_view kSqliteMagic = "SQLite format 3";

absl::StatusOr<int64_t> Pragma(Connection& connection, absl::string_view name) {
  const std::string sql = absl::StrCat("PRAGMA ", name);
  Query pragma = connection.Select(sql);
  const int64_t value = pragma.Step() ? pragma.Int(0) : 0;
  SLUICE_RETURN_IF_ERROR(pragma.status());
  return value;
}

absl::Status ForeignFile(const DatabaseKind& kind, const std::string& path) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          path, " is not a ", kind.name, " of Sluice: move it away or choose another data directory")),
      "DATA_UNUSABLE");
}

absl::Status CheckMagic(const DatabaseKind& kind, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char start[kSqliteMagic.size()] = {};
  file.read(start, sizeof(start));
  const absl::string_view found(start, static_cast<size_t>(file.gcount()));
  // Zeroes are a file whose creation met a power cut before its first page was on the disk.
  const bool blank = found.find_first_not_of('\0') == absl::string_view::npos;
  return blank || found == kSqliteMagic ? absl::OkStatus() : ForeignFile(kind, path);
}

absl::Status Migrate(const DatabaseKind& kind, Connection& connection, int64_t version) {
  std::string script = "BEGIN IMMEDIATE;";
  for (int64_t next = version; next < kind.version(); ++next) {
    absl::StrAppend(&script, kind.migrations[static_cast<size_t>(next)]);
  }
  absl::StrAppend(&script, "PRAGMA application_id = ", kind.application_id,
                  "; PRAGMA user_version = ", kind.version(), "; COMMIT;");
  return connection.Script(script);
}

// Reads before it writes, so that a file of somebody else's is left as it was.
absl::Status CheckOwner(const DatabaseKind& kind, Connection& connection, const std::string& path,
                        int64_t& version) {
  SLUICE_ASSIGN_OR_RETURN(const int64_t objects, [&]() -> absl::StatusOr<int64_t> {
    Query count = connection.Select("SELECT count(*) FROM sqlite_master");
    const int64_t value = count.Step() ? count.Int(0) : 0;
    SLUICE_RETURN_IF_ERROR(count.status());
    return value;
  }());
  SLUICE_ASSIGN_OR_RETURN(const int64_t application, Pragma(connection, "application_id"));
  SLUICE_ASSIGN_OR_RETURN(version, Pragma(connection, "user_version"));
  if (application == 0 && objects == 0 && version == 0) return absl::OkStatus();
  if (application != kind.application_id) return ForeignFile(kind, path);
  if (version > kind.version()) {
    return WithReason(
        absl::FailedPreconditionError(absl::StrCat(path, " has schema ", version, ", this release knows ",
                                                   kind.version(), ": use the release that wrote it")),
        "SCHEMA_TOO_NEW");
  }
  return absl::OkStatus();
}

absl::Status Configure(Connection& connection, const DatabaseOptions& options) {
  SLUICE_RETURN_IF_ERROR(
      connection.Script("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
                        "PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;"
                        "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;"
                        "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"));
  SLUICE_RETURN_IF_ERROR(
      connection.Script(absl::StrCat("PRAGMA cache_size = -", options.cache_bytes / 1024)));
  if (options.max_page_count == 0) return absl::OkStatus();
  return connection.Script(absl::StrCat("PRAGMA max_page_count = ", options.max_page_count));
}

absl::Status InUse(const std::string& path) {
  return WithReason(absl::UnavailableError(absl::StrCat("another process uses the data directory: it holds ",
                                                        path, LockHolderOf(path))),
                    "DATA_DIRECTORY_IN_USE");
}

absl::StatusOr<std::unique_ptr<Connection>> OpenAndLock(const DatabaseKind& kind,
                                                        const DatabaseOptions& options) {
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(options.path));
  SLUICE_RETURN_IF_ERROR(connection->Script("PRAGMA locking_mode = EXCLUSIVE"));
  int64_t version = 0;
  SLUICE_RETURN_IF_ERROR(CheckOwner(kind, *connection, options.path, version));
  SLUICE_RETURN_IF_ERROR(Configure(*connection, options));
  if (version < kind.version()) SLUICE_RETURN_IF_ERROR(Migrate(kind, *connection, version));
  // Takes the lock for as long as the connection lives, also when nothing had to be written.
  SLUICE_RETURN_IF_ERROR(connection->Script("BEGIN EXCLUSIVE; COMMIT"));
  SLUICE_RETURN_IF_ERROR(connection->WatchPlace());
  // SQLite does it for a new file, but says nothing when the disk refuses.
  SLUICE_RETURN_IF_ERROR(SyncDirectoryOf(options.path));
  return connection;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> OpenDatabase(const DatabaseKind& kind,
                                                         const DatabaseOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckOpenable(options.path));
  SLUICE_RETURN_IF_ERROR(CheckMagic(kind, options.path));
  absl::StatusOr<std::unique_ptr<Connection>> connection = OpenAndLock(kind, options);
  if (ReasonOf(connection.status()) == "DATA_DIRECTORY_IN_USE") return InUse(options.path);
  return connection;
}

}  // namespace sluice
