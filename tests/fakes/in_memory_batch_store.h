// InMemoryBatchStore: BatchStore over standard containers, held to the same contract suite as the real
// engines.
//
// Nothing is durable. For tests and simulations that want a store without a disk: with a ManualExecutor every
// answer comes when the test cranks it.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/store/batch_store.h"

namespace sluice {

class InMemoryBatches;

class InMemoryBatchStore final : public BatchStore {
 public:
  struct Options {
    int max_deaths_alone = 2;
    int max_plan_deaths_alone = 5;
    absl::Duration alone_for = absl::Seconds(30);
    const StageTable* stages = &StageTable::BuiltIn();  // must outlive the store
    Executor* executor = nullptr;  // runs the calls, one after another; null: a thread of the store's own
  };

  // `clock` and the executor must outlive it; an outside executor must have run every call before it is
  // destroyed.
  InMemoryBatchStore(Options options, const Clock& clock);
  ~InMemoryBatchStore() override;

  void SetListener(StoreListener* listener) override;
  void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) override;
  void BeginUpload(NewBatch batch, Done<Batch> done) override;
  void AppendJobs(BatchKey upload, std::vector<NewJob> jobs, Done<void> done) override;
  void SealUpload(BatchKey upload, std::string digest, Done<Batch> done) override;
  void AbandonUpload(BatchKey upload, Done<void> done) override;
  void GetBatch(BatchKey name, Done<Batch> done) override;
  void ListBatches(std::string tenant, int page_size, std::string page_token, Done<BatchPage> done) override;
  void CancelBatch(BatchKey name, Done<Batch> done) override;
  void DeleteBatch(BatchKey name, Done<void> done) override;
  void ReadOutcomes(BatchKey name, int64_t after_sequence, int limit,
                    Done<std::vector<Outcome>> done) override;
  void ReadRanked(BatchKey name, int page_size, std::string page_token, Done<RankedPage> done) override;
  void OpenSession(absl::Duration lease, Done<SessionId> done) override;
  void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) override;
  void CloseSession(SessionId session, Done<void> done) override;
  void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) override;
  void CommitSteps(std::vector<LeasedStep> steps, Done<std::vector<CommitResult>> done) override;
  void ReturnClaims(std::vector<LeaseKey> leases, Done<void> done) override;
  void EndAttempts(std::vector<LeaseKey> leases, Done<void> done) override;
  void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) override;
  void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                 Done<void> done) override;
  void FinishPlan(LeaseKey task, Done<void> done) override;
  void ReadTasks(std::string batch_id, int64_t job_index, int first_task, int limit,
                 Done<std::vector<TaskEnd>> done) override;
  void ReadBatch(std::string batch_id, Done<Batch> done) override;
  void ReadJobs(std::string batch_id, int64_t first_index, int limit,
                Done<std::vector<StoredJob>> done) override;
  void Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) override;
  void Stats(Done<StoreStats> done) override;

  // What a restart of the process does: what was leased goes back to ready, suspect if it died, and open
  // uploads are gone. No call may be under way.
  void Restart(bool died);

 private:
  // Runs `method` on the batches, then tells `done` and the listener.
  template <typename Answer, typename... Params, typename... Args>
  void Run(absl::AnyInvocable<void(Answer) &&> done, Answer (InMemoryBatches::*method)(Params...),
           Args... args);
  void Notify();

  Mutex mutex_;
  CondVar changed_;
  std::unique_ptr<InMemoryBatches> batches_ ABSL_PT_GUARDED_BY(mutex_);
  StoreListener* listener_ ABSL_GUARDED_BY(mutex_) = nullptr;
  int notifying_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<Executor> own_executor_;  // joins first
  Executor& executor_;
};

}  // namespace sluice
