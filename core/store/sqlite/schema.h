// The file's schema and how it is opened.
//
// A job or a task is named inside the file by one integer, batch << kJobBits | (slot + 1), so that a batch's
// rows lie together and one comparison bounds them. Slots 0 to jobs - 1 are the batch's jobs, slot `jobs` is
// its own task, and those above are its jobs' tasks in order of creation. Outcomes are keyed alike by
// sequence number.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/store/sqlite/connection.h"
#include "core/store/sqlite/sqlite_batch_store.h"

namespace sluice {

inline constexpr int kSchemaVersion = 5;
inline constexpr int64_t kApplicationId = 0x534c4342;  // "SLCB"

inline constexpr int kJobBits = 24;
inline constexpr int64_t kSlotMask = (int64_t{1} << kJobBits) - 1;
constexpr int64_t JobKey(int64_t batch, int64_t slot) {
  return (batch << kJobBits) + slot + 1;
}
constexpr int64_t SlotOf(int64_t key) {
  return (key & kSlotMask) - 1;
}
constexpr int64_t BatchOfKey(int64_t key) {
  return key >> kJobBits;
}
constexpr int64_t SequenceKey(int64_t batch, int64_t sequence) {
  return (batch << kJobBits) + sequence;
}
constexpr int64_t FirstKey(int64_t batch) {
  return batch << kJobBits;
}
constexpr int64_t LastKey(int64_t batch) {
  return FirstKey(batch + 1) - 1;
}

// A row of `meta` by which a file says that it is a backup, which has not been opened yet: no process died
// with the leases in it.
inline constexpr const char* kBackupMark = "INSERT OR IGNORE INTO meta VALUES ('backup', 1)";
// Whether it said so; from now on, with the transaction, it does not.
absl::StatusOr<bool> TakeBackupMark(Connection& connection);

// Opens the file exclusively, creates or upgrades the schema. Errors as OpenSqliteBatchStore.
absl::StatusOr<std::unique_ptr<Connection>> OpenDatabase(const SqliteBatchStoreOptions& options);

}  // namespace sluice
