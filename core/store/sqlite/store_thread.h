// StoreThread: runs store calls one after another on the one thread that owns the connection, many to a
// commit.
//
// It takes what waits, runs each call inside its own savepoint of one transaction, commits, and only then
// lets the calls answer: a call's answer is durable when it is given. Between commits it purges what was
// deleted and copies a backup. A call that frees room and meets a full disk is run once more on the room that
// the reserve gives (disk_reserve.h); until that is held again, calls that only write are refused.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/base/thread.h"
#include "core/store/sqlite/connection.h"
#include "core/store/sqlite/disk_reserve.h"
#include "core/store/sqlite/online_backup.h"
#include "core/store/sqlite/store_call.h"
#include "core/store/sqlite/store_tables.h"
#include "core/store/store_upkeep.h"

namespace sluice {

// Thread-safe. The destructor closes.
class StoreThread {
 public:
  struct Options {
    int max_waiting_calls = 4096;
    int max_calls_per_commit = 128;
    const char* name = "store";           // of the thread
    Executor* executor = nullptr;         // runs the turns instead of a thread; must not refuse one
    Executor* backup_executor = nullptr;  // syncs a backup instead of a thread; must not refuse it
    // Called as the thread ends, where leases are left in the file, or may be, for it can no longer be read.
    std::function<void()> on_leases_left = [] {};
  };

  struct Parts {
    std::unique_ptr<Connection> connection;
    std::unique_ptr<StoreTables> tables;
    std::vector<int64_t> purging;  // what an earlier process left to be purged
    DiskReserve reserve;
  };

  // Parts by `open`, with the reserve of the store at `path`; once more on its room where the disk is full,
  // so that a server that is started then can be told what to delete.
  static absl::StatusOr<Parts> Open(const std::string& path, int64_t reserve_bytes,
                                    absl::FunctionRef<absl::StatusOr<Parts>(DiskReserve reserve)> open);

  StoreThread(Options options, Parts parts);
  ~StoreThread();

  // Never blocks. A call that cannot be taken is finished inline.
  void Enqueue(std::unique_ptr<StoreCall> call);

  // Takes no more calls, runs what was accepted and joins. Idempotent.
  void Close();

  // Returns once no notification to the former listener runs; not for use inside one.
  void SetListener(StoreListener* listener);

  // From a call's Finish only: answers once nothing is left of what has the number, in the file or its log.
  void AwaitPurge(int64_t number, Done<void> done);

  // Copies the database into `path` a piece after each commit, with all calls that came before. What takes
  // the disk long is done apart.
  void Backup(std::string path, Done<void> done);

 private:
  using Calls = std::vector<std::unique_ptr<StoreCall>>;

  void Loop();
  bool AwaitTurn();  // false once closed and empty
  // One commit of what waits, one step of purging.
  void Turn();
  void ScheduleTurn();
  Calls TakeCalls();
  void RunCalls(Calls calls);
  void RefuseWrites(Calls& calls);
  // Answers them, but for those that are to be run again, if this is not the last time.
  Calls Attempt(Calls calls, bool last);
  bool GoesAgain(const StoreCall& call, const absl::Status& met) const;
  void MakeRoom();
  absl::Status Execute(const Calls& calls, Changes& changes);
  absl::Status RunOne(StoreCall& call, Changes& changes);
  void Notify(const Changes& changes);

  bool WorkNext() const {
    return (backup_ != nullptr && !publishing_) || (!purging_.empty() && !purge_stalled_);
  }
  void StartBackup(std::string path, Done<void> done);
  void BackupOnce();
  void Publish();
  void EndPublished();
  void EndBackup(const absl::Status& status);
  void PurgeOnce();
  absl::StatusOr<bool> PurgeStep(int64_t number);
  absl::Status Compact();
  void AnswerPurge(const absl::Status& status);   // of the first that is purged, which it drops
  void AnswerPurges(const absl::Status& status);  // of all

  const Options options_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::unique_ptr<StoreCall>> queue_ ABSL_GUARDED_BY(mutex_);
  StoreListener* listener_ ABSL_GUARDED_BY(mutex_) = nullptr;
  bool notifying_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> published_ ABSL_GUARDED_BY(mutex_);  // how publishing the backup went
  bool turn_scheduled_ ABSL_GUARDED_BY(mutex_) = false;            // or runs, on the executor

  // The store's thread alone from here on.
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<StoreTables> tables_;
  std::deque<int64_t> purging_;
  DiskReserve reserve_;
  absl::flat_hash_map<int64_t, Done<void>> purge_waiters_;
  std::unique_ptr<OnlineBackup> backup_;
  Done<void> backup_done_;
  bool publishing_ = false;  // backup_ is the publisher's
  Thread publisher_;
  bool purge_stalled_ = false;  // by a full disk; tried again after the next commit

  Thread thread_;
};

}  // namespace sluice
