-- batches.db as schema 3 left it: batch 1 (embed) has ended with an outcome of every kind of failure, whose codes this
-- schema did not keep; batch 2 (embed) was cancelled; batch 3 (screen) waits for its plan. Read by schema_upgrade_test.
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('batch', 0), ('session', 0), ('fence', 0), ('salt', 123456789012345);

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

ALTER TABLE ready ADD COLUMN suspicion INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lease ADD COLUMN suspicion INTEGER NOT NULL DEFAULT 0;
CREATE INDEX ready_suspect ON ready (job) WHERE suspicion > 0;
CREATE INDEX lease_suspect ON lease (job) WHERE suspicion > 0;

ALTER TABLE lease ADD COLUMN alone_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lease ADD COLUMN outstayed INTEGER NOT NULL DEFAULT 0;

UPDATE meta SET value = 3 WHERE name = 'batch';
UPDATE meta SET value = 7 WHERE name = 'session';
UPDATE meta SET value = 40 WHERE name = 'fence';
INSERT INTO batch (batch, tenant, kind, state, priority, jobs, succeeded, failed, cancelled, last_seq, plan_applied, as_of,
                   create_time, expire_time, end_time, request_id, digest) VALUES
  (1, '', 2, 6, 0, 8, 1, 7, 0, 8, 0, 0, 0, 9000000000000000, 1000, 'yesterday', x'64'),
  (2, '', 2, 8, 0, 1, 0, 0, 1, 1, 0, 0, 0, 9000000000000000, 1000, '', x''),
  (3, '', 1, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9000000000000000, NULL, '', x'');
INSERT INTO batch_text VALUES (1, 'spec 1', NULL), (2, 'spec 2', NULL), (3, 'spec 3', NULL);
INSERT INTO request VALUES ('', 'yesterday', x'64', 1);
-- A job's key is batch << 24 | index + 1; slot 0 is the plan task.
INSERT INTO job VALUES (16777217, 1, 'a', ''), (16777218, 1, 'b', ''), (16777219, 1, 'c', ''), (16777220, 1, 'd', ''),
  (16777221, 1, 'e', ''), (16777222, 1, 'f', ''), (16777223, 1, 'g', ''), (16777224, 1, 'h', ''),
  (33554433, 2, 'i', ''), (50331649, 3, 'j', ''), (50331650, 3, 'k', '');
INSERT INTO outcome VALUES (16777217, 16777217, 1, 'a', 1, 0.5, 1, '', '', 'result a'),
  (16777218, 16777218, 1, 'b', 2, 0, 1, 'TEXT_TOO_LONG', 'too long', ''),
  (16777219, 16777219, 1, 'c', 2, 0, 1, 'MODEL_CHANGED', 'another model', ''),
  (16777220, 16777220, 1, 'd', 2, 0, 3, 'ATTEMPTS_EXHAUSTED', 'three times', ''),
  (16777221, 16777221, 1, 'e', 2, 0, 2, 'QUARANTINED', 'it died', ''),
  (16777222, 16777222, 1, 'f', 2, 0, 1, 'DATA_LOSS', 'no row', ''),
  (16777223, 16777223, 1, 'g', 2, 0, 1, 'RESOURCE_EXHAUSTED', 'too large', ''),
  (16777224, 16777224, 1, 'h', 2, 0, 1, 'INVALID_ARGUMENT', 'broken', ''),
  (33554433, 33554433, 2, 'i', 3, 0, 0, '', '', '');
INSERT INTO ready VALUES (50331648, 1, 0, 3, 0, 0, 0);
PRAGMA application_id = 1397506882;
PRAGMA user_version = 3;
COMMIT;
