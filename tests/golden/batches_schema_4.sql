-- batches.db as schema 4 left it, whose plan tasks stood in slot -1: batch 1 (screen) waits for its plan; the plan of
-- batch 2 (screen) was under way when the process died, its job 'c' was let go on already; batch 3 was still being
-- uploaded; of batch 9 a purge left the plan task behind. Read by schema_upgrade_test.
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

ALTER TABLE outcome ADD COLUMN error_code INTEGER NOT NULL DEFAULT 0;

UPDATE meta SET value = 9 WHERE name = 'batch';
UPDATE meta SET value = 7 WHERE name = 'session';
UPDATE meta SET value = 40 WHERE name = 'fence';
INSERT INTO batch (batch, tenant, kind, state, priority, jobs, as_of, create_time, expire_time, end_time, request_id,
                   digest) VALUES
  (1, '', 1, 2, 0, 2, 0, 0, 9000000000000000, NULL, '', x''),
  (2, '', 1, 3, 0, 2, 0, 0, 9000000000000000, NULL, '', x''),
  (3, '', 1, 1, 0, 1, 0, 0, 9000000000000000, NULL, '', x'');
INSERT INTO batch_text VALUES (1, 'spec 1', NULL), (2, 'spec 2', 'plan'), (3, 'spec 3', NULL);
-- A job's key is batch << 24 | index + 1; slot 0 is the plan task.
INSERT INTO job VALUES (16777217, 1, 'a', ''), (16777218, 1, 'b', ''), (33554433, 2, 'c', ''), (33554434, 2, 'd', ''),
  (50331649, 3, 'e', '');
INSERT INTO ready VALUES (16777216, 1, 0, 1, 0, 0, 0), (33554433, 2, 0, 2, 0, 0, 0), (150994944, 1, 0, 9, 0, 1, 0);
INSERT INTO lease VALUES (33554432, 1, 0, 7, 40, 1, 9000000000000000, 0, 0, 0);
INSERT INTO session VALUES (7, 9000000000000000);
PRAGMA application_id = 1397506882;
PRAGMA user_version = 4;
COMMIT;
