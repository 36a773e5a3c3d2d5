// OpenSqliteEmbeddingCache: the embedding cache in a SQLite file, cache.db.
//
// One thread, `cache`, owns the file. It answers reads first, from what waits to be written and then from the
// file, and writes what waits many at a time. The keys are kept in memory, about 80 bytes each, so that a
// miss costs a look-up in a table and no hop to the thread. Eviction is second chance: vectors go in the
// order in which they came, but one that was asked for since is put at the end instead. What was asked for is
// forgotten when the process ends, the order is not.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/store/cache.h"

namespace sluice {

struct SqliteEmbeddingCacheOptions {
  std::string path;
  int64_t max_bytes = 256 << 20;  // on disk, file and log; >= kLeastEmbeddingCacheBytes
  absl::Duration max_age =
      absl::Hours(24 * 30);                    // since a vector was computed; looked for about once an hour
  int max_waiting_reads = 1024;                // keys; beyond, MayHold says no. >= 1
  int max_waiting_writes = 1024;               // vectors; beyond, they are dropped. >= 1
  EmbeddingCacheObserver* observer = nullptr;  // outlives the cache
};

// Opens the file or makes it; a damaged one is made anew, then and later
// (core/store/sqlite/embedding_table.h). INVALID_ARGUMENT names the option out of range; UNAVAILABLE when the
// file cannot be made. `clock` must outlive the cache. Destruction writes what waits.
absl::StatusOr<std::unique_ptr<EmbeddingCache>> OpenSqliteEmbeddingCache(SqliteEmbeddingCacheOptions options,
                                                                         const Clock& clock);

}  // namespace sluice
