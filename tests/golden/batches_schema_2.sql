-- batches.db as schema 2 left it when its process was killed: batch 1 (embed) has an outcome, a suspect in flight that
-- had died alone once, another suspect that waits, and a ready job; batch 2 (screen) waits for its plan. Read by
-- schema_upgrade_test.
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

UPDATE meta SET value = 2 WHERE name = 'batch';
UPDATE meta SET value = 7 WHERE name = 'session';
UPDATE meta SET value = 40 WHERE name = 'fence';
INSERT INTO batch (batch, tenant, kind, state, priority, jobs, succeeded, last_seq, as_of, create_time, expire_time,
                   request_id, digest) VALUES
  (1, '', 2, 3, 0, 4, 1, 1, 0, 0, 9000000000000000, 'yesterday', x'64'),
  (2, '', 1, 3, 0, 2, 0, 0, 0, 0, 9000000000000000, '', x'');
INSERT INTO batch_text VALUES (1, 'spec 1', NULL), (2, 'spec 2', NULL);
INSERT INTO request VALUES ('', 'yesterday', x'64', 1);
-- A job's key is batch << 24 | index + 1; slot 0 is the plan task.
INSERT INTO job VALUES (16777217, 1, 'a', 'payload a'), (16777218, 1, 'b', 'payload b'), (16777219, 1, 'c', 'payload c'),
  (16777220, 1, 'd', 'payload d'), (33554433, 2, 'e', 'payload e'), (33554434, 2, 'f', 'payload f');
INSERT INTO outcome VALUES (16777217, 16777217, 1, 'a', 1, 0.5, 1, '', '', 'result a');
-- The last column is the suspicion: 1 a suspect, 2 one that died alone once.
INSERT INTO lease VALUES (16777218, 3, 0, 7, 40, 1, 1000, 2);
INSERT INTO ready VALUES (16777219, 3, 0, 1, 0, 1, 1), (16777220, 3, 0, 1, 0, 0, 0), (33554432, 1, 0, 2, 0, 0, 0);
INSERT INTO session VALUES (7, 1000);
PRAGMA application_id = 1397506882;
PRAGMA user_version = 2;
COMMIT;
