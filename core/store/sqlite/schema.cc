#include "core/store/sqlite/schema.h"

#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/sqlite/directory_sync.h"
#include "core/store/sqlite/openable.h"

namespace sluice {
namespace {

constexpr absl::string_view kSqliteMagic = "SQLite format 3";

// Payloads are written once. What changes often (ready, lease, a batch's counters) is narrow and apart from
// them. The constraints carry the invariants: one outcome a job, one a sequence number, counts that add up to
// the last sequence.
constexpr const char* kMigrations[kSchemaVersion] = {R"sql(
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('batch', 0), ('session', 0), ('fence', 0), ('salt', random() & 0x3ffffffffffff);

CREATE TABLE batch (
  batch INTEGER PRIMARY KEY, tenant TEXT NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,
  ending INTEGER NOT NULL DEFAULT 0, priority INTEGER NOT NULL, jobs INTEGER NOT NULL DEFAULT 0,
  succeeded INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0,
  expired INTEGER NOT NULL DEFAULT 0, last_seq INTEGER NOT NULL DEFAULT 0, plan_applied INTEGER NOT NULL DEFAULT 0,
  as_of INTEGER NOT NULL, create_time INTEGER NOT NULL, expire_time INTEGER NOT NULL, end_time INTEGER,
  request_id TEXT NOT NULL, digest BLOB NOT NULL,
  CHECK (last_seq = succeeded + failed + cancelled + expired AND last_seq <= jobs));
CREATE INDEX batch_tenant ON batch (tenant, batch);
CREATE INDEX batch_open ON batch (expire_time) WHERE state < 5;
CREATE INDEX batch_ended ON batch (end_time) WHERE state >= 5;
CREATE TABLE batch_text (batch INTEGER PRIMARY KEY, spec BLOB NOT NULL, plan BLOB);

CREATE TABLE request (tenant TEXT, request_id TEXT, digest BLOB NOT NULL, batch INTEGER NOT NULL,
  PRIMARY KEY (tenant, request_id)) WITHOUT ROWID;

CREATE TABLE job (job INTEGER PRIMARY KEY, batch INTEGER NOT NULL, id TEXT NOT NULL, payload BLOB NOT NULL);
CREATE UNIQUE INDEX job_id ON job (batch, id);

CREATE TABLE ready (job INTEGER PRIMARY KEY, stage INTEGER NOT NULL, batch_priority INTEGER NOT NULL,
  batch INTEGER NOT NULL, priority INTEGER NOT NULL, attempts INTEGER NOT NULL);
CREATE INDEX ready_order ON ready (stage, batch_priority, batch, priority, job);

CREATE TABLE lease (job INTEGER PRIMARY KEY, stage INTEGER NOT NULL, priority INTEGER NOT NULL,
  session INTEGER NOT NULL, fence INTEGER NOT NULL UNIQUE, attempt INTEGER NOT NULL, run_until INTEGER NOT NULL);

CREATE TABLE outcome (seq INTEGER PRIMARY KEY, job INTEGER NOT NULL UNIQUE, batch INTEGER NOT NULL,
  job_id TEXT NOT NULL, kind INTEGER NOT NULL, score REAL NOT NULL, attempt INTEGER NOT NULL,
  error_reason TEXT NOT NULL, error_message TEXT NOT NULL, result BLOB NOT NULL);
CREATE INDEX outcome_rank ON outcome (batch, score DESC, job_id);

CREATE TABLE session (session INTEGER PRIMARY KEY, lease_until INTEGER NOT NULL);
)sql",
                                                     R"sql(
ALTER TABLE ready ADD COLUMN suspicion INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lease ADD COLUMN suspicion INTEGER NOT NULL DEFAULT 0;
CREATE INDEX ready_suspect ON ready (job) WHERE suspicion > 0;
CREATE INDEX lease_suspect ON lease (job) WHERE suspicion > 0;
)sql",
                                                     R"sql(
ALTER TABLE lease ADD COLUMN alone_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lease ADD COLUMN outstayed INTEGER NOT NULL DEFAULT 0;
)sql",
                                                     // Older releases kept a failure's reason alone and told
                                                     // its code (absl::StatusCode) by it, as is done here
                                                     // once and for all.
                                                     R"sql(
ALTER TABLE outcome ADD COLUMN error_code INTEGER NOT NULL DEFAULT 0;
UPDATE outcome SET error_code = CASE
  WHEN error_reason IN ('TEXT_TOO_LONG', 'INVALID_ARGUMENT') THEN 3
  WHEN error_reason = 'RESOURCE_EXHAUSTED' THEN 8
  WHEN error_reason IN ('NO_MODEL', 'MODEL_CHANGED') THEN 9
  WHEN error_reason = 'ATTEMPTS_EXHAUSTED' THEN 10
  WHEN error_reason = 'DATA_LOSS' THEN 15
  ELSE 13 END WHERE kind = 2;
)sql",
                                                     // Plan tasks stood in slot -1, before the jobs. A
                                                     // purge of earlier releases could leave one behind.
                                                     R"sql(
ALTER TABLE batch ADD COLUMN tasks INTEGER NOT NULL DEFAULT 0;
DELETE FROM ready WHERE batch NOT IN (SELECT batch FROM batch);
DELETE FROM lease WHERE job >> 24 NOT IN (SELECT batch FROM batch);
UPDATE ready SET job = job + 1 + (SELECT jobs FROM batch WHERE batch.batch = ready.batch) WHERE stage = 1;
UPDATE lease SET job = job + 1 + (SELECT jobs FROM batch WHERE batch.batch = lease.job >> 24) WHERE stage = 1;
CREATE TABLE task (task INTEGER PRIMARY KEY, job INTEGER NOT NULL, number INTEGER NOT NULL, payload BLOB NOT NULL,
  end INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0, error_code INTEGER NOT NULL DEFAULT 0,
  error_reason TEXT NOT NULL DEFAULT '', error_message TEXT NOT NULL DEFAULT '', result BLOB NOT NULL DEFAULT x'');
CREATE UNIQUE INDEX task_number ON task (job, number);
CREATE TABLE fan_out (job INTEGER PRIMARY KEY, next INTEGER NOT NULL, priority INTEGER NOT NULL,
  open INTEGER NOT NULL CHECK (open >= 0));
CREATE TABLE artifact (job INTEGER PRIMARY KEY, artifact BLOB NOT NULL);
)sql"};

absl::StatusOr<int64_t> Pragma(Connection& connection, absl::string_view name) {
  const std::string sql = absl::StrCat("PRAGMA ", name);
  Query pragma = connection.Select(sql);
  const int64_t value = pragma.Step() ? pragma.Int(0) : 0;
  SLUICE_RETURN_IF_ERROR(pragma.status());
  return value;
}

absl::Status ForeignFile(const std::string& path) {
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          path, " is not a batch store of Sluice: move it away or choose another data directory")),
      "DATA_UNUSABLE");
}

absl::Status CheckMagic(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  char start[kSqliteMagic.size()] = {};
  file.read(start, sizeof(start));
  const absl::string_view found(start, static_cast<size_t>(file.gcount()));
  // Zeroes are a file whose creation met a power cut before its first page was on the disk.
  const bool blank = found.find_first_not_of('\0') == absl::string_view::npos;
  return blank || found == kSqliteMagic ? absl::OkStatus() : ForeignFile(path);
}

absl::Status Migrate(Connection& connection, int64_t version) {
  std::string script = "BEGIN IMMEDIATE;";
  for (int64_t next = version; next < kSchemaVersion; ++next) absl::StrAppend(&script, kMigrations[next]);
  absl::StrAppend(&script, "PRAGMA application_id = ", kApplicationId,
                  "; PRAGMA user_version = ", kSchemaVersion, "; COMMIT;");
  return connection.Script(script);
}

// Reads before it writes, so that a file of somebody else's is left as it was.
absl::Status CheckOwner(Connection& connection, const std::string& path, int64_t& version) {
  SLUICE_ASSIGN_OR_RETURN(const int64_t objects, [&]() -> absl::StatusOr<int64_t> {
    Query count = connection.Select("SELECT count(*) FROM sqlite_master");
    const int64_t value = count.Step() ? count.Int(0) : 0;
    SLUICE_RETURN_IF_ERROR(count.status());
    return value;
  }());
  SLUICE_ASSIGN_OR_RETURN(const int64_t application, Pragma(connection, "application_id"));
  SLUICE_ASSIGN_OR_RETURN(version, Pragma(connection, "user_version"));
  if (application == 0 && objects == 0 && version == 0) return absl::OkStatus();
  if (application != kApplicationId) return ForeignFile(path);
  if (version > kSchemaVersion) {
    return WithReason(
        absl::FailedPreconditionError(absl::StrCat(path, " has schema ", version, ", this release knows ",
                                                   kSchemaVersion, ": use the release that wrote it")),
        "SCHEMA_TOO_NEW");
  }
  return absl::OkStatus();
}

absl::Status Configure(Connection& connection, const SqliteBatchStoreOptions& options) {
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

absl::StatusOr<std::unique_ptr<Connection>> OpenAndLock(const SqliteBatchStoreOptions& options) {
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, Connection::Open(options.path));
  SLUICE_RETURN_IF_ERROR(connection->Script("PRAGMA locking_mode = EXCLUSIVE"));
  int64_t version = 0;
  SLUICE_RETURN_IF_ERROR(CheckOwner(*connection, options.path, version));
  SLUICE_RETURN_IF_ERROR(Configure(*connection, options));
  if (version < kSchemaVersion) SLUICE_RETURN_IF_ERROR(Migrate(*connection, version));
  // Takes the lock for as long as the connection lives, also when nothing had to be written.
  SLUICE_RETURN_IF_ERROR(connection->Script("BEGIN EXCLUSIVE; COMMIT"));
  SLUICE_RETURN_IF_ERROR(connection->WatchPlace());
  // SQLite does it for a new file, but says nothing when the disk refuses.
  SLUICE_RETURN_IF_ERROR(SyncDirectoryOf(options.path));
  return connection;
}

}  // namespace

absl::StatusOr<bool> TakeBackupMark(Connection& connection) {
  SLUICE_RETURN_IF_ERROR(connection.Run("DELETE FROM meta WHERE name = 'backup'"));
  return connection.changes() > 0;
}

absl::StatusOr<std::unique_ptr<Connection>> OpenDatabase(const SqliteBatchStoreOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckOpenable(options.path));
  SLUICE_RETURN_IF_ERROR(CheckMagic(options.path));
  absl::StatusOr<std::unique_ptr<Connection>> connection = OpenAndLock(options);
  if (ReasonOf(connection.status()) == "DATA_DIRECTORY_IN_USE") return InUse(options.path);
  return connection;
}

}  // namespace sluice
