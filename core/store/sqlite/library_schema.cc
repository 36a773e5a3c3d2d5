#include "core/store/sqlite/library_schema.h"

namespace sluice {
namespace {

constexpr int64_t kLibraryApplicationId = 0x534c434c;  // "SLCL"

// A document is its visible edition and what outlives editions. Pages are written once, and are the bulk.
constexpr const char* kLibraryMigrations[] = {R"sql(
CREATE TABLE edition (
  edition INTEGER PRIMARY KEY, state INTEGER NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
  batch TEXT NOT NULL, job INTEGER NOT NULL, content TEXT NOT NULL, options TEXT NOT NULL, profile TEXT NOT NULL,
  format TEXT NOT NULL,
  source TEXT NOT NULL, title TEXT NOT NULL, labels TEXT NOT NULL, facts BLOB NOT NULL, pages INTEGER NOT NULL,
  failed INTEGER NOT NULL DEFAULT 0, degraded INTEGER NOT NULL DEFAULT 0, blank INTEGER NOT NULL DEFAULT 0,
  reused INTEGER NOT NULL DEFAULT 0, create_time INTEGER NOT NULL DEFAULT 0, update_time INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX edition_document ON edition (tenant, id) WHERE state = 2;
CREATE UNIQUE INDEX edition_source ON edition (tenant, source) WHERE state = 2;
CREATE UNIQUE INDEX edition_draft ON edition (batch, job) WHERE state = 1;
CREATE INDEX edition_gone ON edition (edition) WHERE state = 3;
CREATE INDEX edition_content ON edition (content) WHERE state < 3;

CREATE TABLE page (
  page INTEGER PRIMARY KEY, blank INTEGER NOT NULL, degraded TEXT NOT NULL, error_code INTEGER NOT NULL,
  error_reason TEXT NOT NULL, error_message TEXT NOT NULL, raw_key BLOB NOT NULL, body_key BLOB NOT NULL,
  bytes BLOB NOT NULL);

CREATE TABLE result_set (result_set INTEGER PRIMARY KEY, content TEXT NOT NULL, stage TEXT NOT NULL,
  options TEXT NOT NULL);
CREATE UNIQUE INDEX result_set_key ON result_set (content, stage, options);
CREATE TABLE result (
  result INTEGER PRIMARY KEY, error_code INTEGER NOT NULL, error_reason TEXT NOT NULL, error_message TEXT NOT NULL,
  raw_key BLOB NOT NULL, bytes BLOB NOT NULL);
)sql"};

}  // namespace

const DatabaseKind kLibraryDatabase = {
    .name = "library", .application_id = kLibraryApplicationId, .migrations = kLibraryMigrations};

}  // namespace sluice
