// OpenSqliteLibraryStore: the library in a SQLite file, library.db.
//
// One thread, `library`, owns the file: calls are committed many at a time, and what was deleted is removed a
// piece after each commit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/store/library_store.h"

namespace sluice {

struct SqliteLibraryStoreOptions {
  std::string path;
  int64_t cache_bytes = 16 << 20;   // SQLite's page cache; >= 1 MiB
  int max_waiting_calls = 4096;     // beyond: STORE_BUSY; 1..2^20
  int max_calls_per_commit = 64;    // 1..2^20
  int64_t max_page_count = 0;       // of SQLite's pages, for tests of a full disk; 0: no bound
  int64_t reserve_bytes = 4 << 20;  // kept on the disk so that deleting works when it is full; 0: none
};

// Errors as OpenSqliteBatchStore's. `clock` must outlive the store.
absl::StatusOr<std::unique_ptr<LibraryStore>> OpenSqliteLibraryStore(const SqliteLibraryStoreOptions& options,
                                                                     const Clock& clock);

}  // namespace sluice
