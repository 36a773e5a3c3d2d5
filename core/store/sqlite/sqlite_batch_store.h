// SqliteBatchStore: the EmbeddedStore, one file for one process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/store/embedded_store.h"

namespace sluice {

struct SqliteBatchStoreOptions {
  std::string path;               // of batches.db; its directory must exist
  int max_deaths_alone = 2;       // 1..1000, of the process under a job that ran alone; then QUARANTINED
  int max_plan_deaths_alone = 5;  // 1..1000, the same under a plan task
  absl::Duration alone_for = absl::Seconds(30);  // of a suspect, 0 or more; then others run beside it
  int max_waiting_calls = 4096;                  // bound of the queue before the store's thread
  int max_calls_per_commit = 128;                // group commit: calls that share one transaction
  int max_page_count = 0;  // SQLite pages the file may have; 0: no limit. For tests of a full disk
  int64_t cache_bytes = 16 << 20;
  // Room that the file batches.db.reserve keeps, for deleting on a full disk. 0: none. More than the log
  // holds (wal_autocheckpoint, 16 MiB), for that must move into the file first.
  int64_t reserve_bytes = 32 << 20;
  const StageTable* stages = &StageTable::BuiltIn();  // must outlive the store
  // Runs the store's turns, one at a time, instead of a thread of the store's own: for simulations. It must
  // not refuse one, must outlive the store, and must have dropped what it did not run when the store is
  // destroyed.
  Executor* executor = nullptr;
  // Syncs backups, which may take minutes, instead of a thread that the store starts for each. It must not
  // refuse, and must have run all that it took when the store is destroyed.
  Executor* backup_executor = nullptr;
};

// Opens or creates the file and takes it exclusively; every lease of an earlier process goes back to ready,
// as a suspect unless that process said that it ended of its own accord (end_mark.h): destroying the store
// says so. Uploads that were open then are dropped. `clock` must outlive the store.
//
// While the store lives its file must stay at its path: removed, renamed, replaced or hidden, it fails every
// call with STORE_FAILED, from the first commit on whose answer could be lost.
//   FAILED_PRECONDITION  the file is another project's (reason DATA_UNUSABLE) or of a newer schema
//                        or has work of a stage that `stages` lacks (SCHEMA_TOO_NEW)
//   UNAVAILABLE          another process has it (DATA_DIRECTORY_IN_USE), it cannot be opened or made, which
//                        names the cause (DATA_UNUSABLE), the disk is full (DISK_FULL) or fails
//                        (STORE_FAILED)
//   DATA_LOSS            it is damaged
absl::StatusOr<std::unique_ptr<EmbeddedStore>> OpenSqliteBatchStore(const SqliteBatchStoreOptions& options,
                                                                    const Clock& clock);

// Removes what backups into `directory` that a crash cut short have left. Not while one is being made there.
void RemovePartialBackups(const std::string& directory);

}  // namespace sluice
