#include "core/store/sqlite/schema.h"

#include "core/base/status_macros.h"
#include "core/store/sqlite/open_database.h"

namespace sluice {
namespace {

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

constexpr DatabaseKind kBatches = {
    .name = "batch store", .application_id = kApplicationId, .migrations = kMigrations};

}  // namespace

absl::StatusOr<bool> TakeBackupMark(Connection& connection) {
  SLUICE_RETURN_IF_ERROR(connection.Run("DELETE FROM meta WHERE name = 'backup'"));
  return connection.changes() > 0;
}

absl::StatusOr<std::unique_ptr<Connection>> OpenDatabase(const SqliteBatchStoreOptions& options) {
  return OpenDatabase(
      kBatches,
      {.path = options.path, .cache_bytes = options.cache_bytes, .max_page_count = options.max_page_count});
}

}  // namespace sluice
