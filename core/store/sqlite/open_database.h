// OpenDatabase: a file of one of Sluice's kinds, opened exclusively, its schema brought up to date.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/store/sqlite/connection.h"

namespace sluice {

// What stands in a file, and how its schema came to be. A constant.
struct DatabaseKind {
  const char* name;                          // "batch store"
  int64_t application_id;                    // in the file's head
  absl::Span<const char* const> migrations;  // from each version to the next, from 0 on

  int64_t version() const { return static_cast<int64_t>(migrations.size()); }
};

struct DatabaseOptions {
  std::string path;
  int64_t cache_bytes = 16 << 20;
  int64_t max_page_count = 0;  // 0: SQLite's own limit
};

// Makes a missing file, migrates an older one. UNAVAILABLE with reason DATA_UNUSABLE, DISK_FULL or
// DATA_DIRECTORY_IN_USE; FAILED_PRECONDITION with DATA_UNUSABLE for a file of somebody else's, and with
// SCHEMA_TOO_NEW for one of a later release. Blocks.
absl::StatusOr<std::unique_ptr<Connection>> OpenDatabase(const DatabaseKind& kind,
                                                         const DatabaseOptions& options);

}  // namespace sluice
