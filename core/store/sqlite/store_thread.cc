#include "core/store/sqlite/store_thread.h"

#include <algorithm>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"

namespace sluice {
namespace {

absl::Status StoreFailed() {
  return WithReason(absl::UnavailableError("the store failed and answers no more: see the log, then restart"),
                    "STORE_FAILED");
}

}  // namespace

StoreThread::StoreThread(Options options, Parts parts)
    : options_(std::move(options)),
      connection_(std::move(parts.connection)),
      tables_(std::move(parts.tables)),
      purging_(parts.purging.begin(), parts.purging.end()),
      reserve_(std::move(parts.reserve)) {
  if (options_.executor == nullptr) thread_ = Thread(options_.name, [this] { Loop(); });
}

StoreThread::~StoreThread() {
  Close();
}

void StoreThread::Close() {
  {
    MutexLock lock(mutex_);
    if (std::exchange(closed_, true)) return;
    changed_.NotifyAll();
  }
  if (options_.executor != nullptr) Loop();
  thread_.Join();
}

void StoreThread::Enqueue(std::unique_ptr<StoreCall> call) {
  absl::Status refusal;
  {
    MutexLock lock(mutex_);
    if (closed_) {
      refusal = StoreClosed();
    } else if (static_cast<int>(queue_.size()) >= options_.max_waiting_calls) {
      refusal = StoreBusy(options_.max_waiting_calls);
    } else {
      queue_.push_back(std::move(call));
      if (queue_.size() == 1) changed_.NotifyAll();
    }
  }
  if (!refusal.ok()) return call->Finish(refusal);
  if (options_.executor != nullptr) ScheduleTurn();
}

void StoreThread::ScheduleTurn() {
  {
    MutexLock lock(mutex_);
    if (turn_scheduled_) return;  // or runs: it looks again when it ends
    turn_scheduled_ = true;
  }
  const bool taken = options_.executor->TrySchedule([this] {
    Turn();
    const bool work_next = WorkNext();
    bool more;
    {
      MutexLock lock(mutex_);
      turn_scheduled_ = false;
      more = work_next || !queue_.empty() || published_.has_value();
    }
    if (more) ScheduleTurn();
  });
  if (taken) return;
  MutexLock lock(mutex_);
  turn_scheduled_ = false;
}

void StoreThread::SetListener(StoreListener* listener) {
  MutexLock lock(mutex_);
  listener_ = listener;
  while (notifying_) changed_.Wait(mutex_);
}

void StoreThread::AwaitPurge(int64_t number, Done<void> done) {
  purge_waiters_.emplace(number, std::move(done));
}

void StoreThread::Loop() {
  while (AwaitTurn()) Turn();
  // Before the disk is waited for: a kill meanwhile is no death under a lease. A file that lost its place
  // says nothing about what is there now.
  if (connection_->CheckPlace().ok() && (connection_->failed() || tables_->AnyLease().value_or(true)))
    options_.on_leases_left();
  if (publishing_) {
    MutexLock lock(mutex_);
    while (!published_.has_value()) changed_.Wait(mutex_);
  }
  EndPublished();
  if (backup_ != nullptr) EndBackup(StoreClosed());
  AnswerPurges(StoreClosed());
}

bool StoreThread::AwaitTurn() {
  const bool work_next = WorkNext();
  MutexLock lock(mutex_);
  while (queue_.empty() && !closed_ && !work_next && !published_.has_value()) changed_.Wait(mutex_);
  return !queue_.empty() || !closed_;
}

void StoreThread::Turn() {
  if (Calls calls = TakeCalls(); !calls.empty()) RunCalls(std::move(calls));
  if (!purging_.empty() && !purge_stalled_) PurgeOnce();
  EndPublished();
  if (backup_ != nullptr && !publishing_) BackupOnce();
}

StoreThread::Calls StoreThread::TakeCalls() {
  MutexLock lock(mutex_);
  Calls calls;
  const size_t count = std::min(queue_.size(), static_cast<size_t>(options_.max_calls_per_commit));
  calls.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    calls.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return calls;
}

void StoreThread::RunCalls(Calls calls) {
  const bool wants_room = !purging_.empty() && !purge_stalled_;
  if (!reserve_.held() && !wants_room) reserve_.Take();
  if (reserve_.spent()) RefuseWrites(calls);
  Calls again = Attempt(std::move(calls), /*last=*/false);
  if (again.empty()) return;
  const bool frees = std::any_of(again.begin(), again.end(),
                                 [](const auto& call) { return call->effect() == CallEffect::kFrees; });
  if (frees) MakeRoom();
  Attempt(std::move(again), /*last=*/true);
  if (frees) Compact().IgnoreError();  // what they wrote is in the log, whose room may be all there is
}

void StoreThread::RefuseWrites(Calls& calls) {
  const auto writes = std::stable_partition(
      calls.begin(), calls.end(), [](const auto& call) { return call->effect() != CallEffect::kWrites; });
  for (auto call = writes; call != calls.end(); ++call) (*call)->Finish(DiskFull());
  calls.erase(writes, calls.end());
}

bool StoreThread::GoesAgain(const StoreCall& call, const absl::Status& met) const {
  // A read fails only in the company of what writes.
  const bool may =
      call.effect() == CallEffect::kReads || (call.effect() == CallEffect::kFrees && reserve_.held());
  return may && IsDiskFull(met);
}

StoreThread::Calls StoreThread::Attempt(Calls calls, bool last) {
  Changes changes;
  absl::Status transaction = Execute(calls, changes);
  if (connection_->failed()) transaction = StoreFailed();
  if (transaction.ok()) {
    purging_.insert(purging_.end(), changes.purging.begin(), changes.purging.end());
    purge_stalled_ = false;
  }
  Calls again;
  for (std::unique_ptr<StoreCall>& call : calls) {
    if (!last && GoesAgain(*call, transaction.ok() ? call->answer() : transaction)) {
      again.push_back(std::move(call));
    } else {
      call->Finish(transaction);
    }
  }
  if (transaction.ok()) Notify(changes);
  return again;
}

void StoreThread::MakeRoom() {
  reserve_.Release();
  // What the log holds goes into the file, and the log's own room to the disk.
  Compact().IgnoreError();
}

absl::Status StoreThread::Execute(const Calls& calls, Changes& changes) {
  if (connection_->failed()) return StoreFailed();
  SLUICE_RETURN_IF_ERROR(connection_->Run("BEGIN IMMEDIATE"));
  for (const std::unique_ptr<StoreCall>& call : calls) {
    const absl::Status transaction = RunOne(*call, changes);
    if (transaction.ok()) continue;
    if (connection_->in_transaction()) connection_->Run("ROLLBACK").IgnoreError();
    return transaction;
  }
  return connection_->Commit();
}

absl::Status StoreThread::RunOne(StoreCall& call, Changes& changes) {
  SLUICE_RETURN_IF_ERROR(connection_->Run("SAVEPOINT call"));
  const absl::Status status = call.Run();
  Changes made = tables_->TakeChanges();
  if (status.ok()) {
    changes.Merge(std::move(made));
    return connection_->Run("RELEASE call");
  }
  if (connection_->failed() || !connection_->in_transaction()) return status;
  SLUICE_RETURN_IF_ERROR(connection_->Run("ROLLBACK TO call"));
  return connection_->Run("RELEASE call");
}

void StoreThread::Notify(const Changes& changes) {
  if (!changes.ready && changes.batches.empty() && changes.ended.empty()) return;
  StoreListener* listener = nullptr;
  {
    MutexLock lock(mutex_);
    listener = listener_;
    notifying_ = listener != nullptr;
  }
  if (listener == nullptr) return;
  if (changes.ready) listener->OnReady();
  for (const auto& [what, jobs] : changes.ended) listener->OnJobsEnded(what.first, what.second, jobs);
  for (const int64_t batch : changes.batches) listener->OnOutcomes(tables_->BatchId(batch));
  for (const int64_t batch : changes.ended_batches) listener->OnBatchEnded(tables_->BatchId(batch));
  MutexLock lock(mutex_);
  notifying_ = false;
  changed_.NotifyAll();
}

absl::StatusOr<StoreThread::Parts> StoreThread::Open(
    const std::string& path, int64_t reserve_bytes,
    absl::FunctionRef<absl::StatusOr<Parts>(DiskReserve reserve)> open) {
  DiskReserve reserve(DiskReserveOf(path), reserve_bytes);
  absl::StatusOr<Parts> parts = open(reserve);
  if (IsDiskFull(parts.status()) && reserve.Release()) parts = open(reserve);
  if (parts.ok() && parts->purging.empty()) parts->reserve.Take();
  return parts;
}

void StoreThread::Backup(std::string path, Done<void> done) {
  Done<void> then_copy = [this, path = std::move(path), done = std::move(done)](absl::Status ready) mutable {
    if (!ready.ok()) return std::move(done)(std::move(ready));
    StartBackup(std::move(path), std::move(done));
  };
  const auto nothing = [] { return absl::OkStatus(); };
  Enqueue(std::make_unique<AnsweringCall<absl::Status, decltype(nothing)>>(CallEffect::kReads, nothing,
                                                                           std::move(then_copy)));
}

void StoreThread::StartBackup(std::string path, Done<void> done) {
  if (backup_ != nullptr) {
    return std::move(done)(absl::FailedPreconditionError("a backup is being made already"));
  }
  absl::StatusOr<std::unique_ptr<OnlineBackup>> backup = OnlineBackup::Start(*connection_, std::move(path));
  if (!backup.ok()) return std::move(done)(backup.status());
  backup_ = *std::move(backup);
  backup_done_ = std::move(done);
}

void StoreThread::BackupOnce() {
  if (!connection_->CheckPlace().ok() || connection_->failed()) return EndBackup(StoreFailed());
  const absl::StatusOr<bool> complete = backup_->Step();
  if (!complete.ok()) return EndBackup(complete.status());
  if (*complete) Publish();
}

void StoreThread::Publish() {
  publishing_ = true;
  // Else nothing here is touched once `published_` is set: the store may be gone.
  const bool make_turn = options_.backup_executor != nullptr && options_.executor != nullptr;
  auto publish = [this, make_turn] {
    const absl::Status published = backup_->Publish();
    {
      MutexLock lock(mutex_);
      published_ = published;
      changed_.NotifyAll();
    }
    if (make_turn) ScheduleTurn();
  };
  if (options_.backup_executor != nullptr && options_.backup_executor->TrySchedule(publish)) return;
  if (options_.executor != nullptr) {
    publish();
    return EndPublished();
  }
  publisher_ = Thread("backup", publish, ThreadPriority::kBackground);
}

void StoreThread::EndPublished() {
  std::optional<absl::Status> published;
  {
    MutexLock lock(mutex_);
    published = std::exchange(published_, std::nullopt);
  }
  if (!published.has_value()) return;
  publisher_.Join();
  publishing_ = false;
  EndBackup(*published);
}

void StoreThread::EndBackup(const absl::Status& status) {
  backup_.reset();
  std::move(backup_done_)(status);
}

void StoreThread::PurgeOnce() {
  absl::StatusOr<bool> gone = PurgeStep(purging_.front());
  if (IsDiskFull(gone.status()) && reserve_.held()) {
    MakeRoom();
    gone = PurgeStep(purging_.front());
  }
  if (!gone.ok()) {
    purge_stalled_ = true;
    std::rotate(purging_.begin(), std::next(purging_.begin()), purging_.end());
    return AnswerPurges(connection_->failed() ? StoreFailed() : gone.status());
  }
  if (!*gone) return;
  const bool awaited = purge_waiters_.contains(purging_.front());
  const absl::Status compacted = awaited || purging_.size() == 1 ? Compact() : absl::OkStatus();
  AnswerPurge(connection_->failed() ? StoreFailed() : compacted);
}

absl::StatusOr<bool> StoreThread::PurgeStep(int64_t number) {
  if (connection_->failed()) return StoreFailed();
  SLUICE_RETURN_IF_ERROR(connection_->Run("BEGIN IMMEDIATE"));
  absl::StatusOr<bool> gone = tables_->PurgeStep(number);
  if (!gone.ok()) {
    if (connection_->in_transaction()) connection_->Run("ROLLBACK").IgnoreError();
    return gone;
  }
  SLUICE_RETURN_IF_ERROR(connection_->Commit());
  // More than a step sets free, so that the file gives back all that it can.
  SLUICE_RETURN_IF_ERROR(connection_->Run("PRAGMA incremental_vacuum(2000)"));
  return gone;
}

absl::Status StoreThread::Compact() {
  // The log keeps what was deleted until it is cut.
  return connection_->Run("PRAGMA wal_checkpoint(TRUNCATE)");
}

void StoreThread::AnswerPurge(const absl::Status& status) {
  auto waiter = purge_waiters_.extract(purging_.front());
  purging_.pop_front();
  if (!waiter.empty()) std::move(waiter.mapped())(status);
}

void StoreThread::AnswerPurges(const absl::Status& status) {
  auto waiters = std::exchange(purge_waiters_, {});
  for (auto& [batch, done] : waiters) std::move(done)(status);
}

}  // namespace sluice
