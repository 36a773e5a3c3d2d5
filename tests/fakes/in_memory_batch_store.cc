#include "tests/fakes/in_memory_batch_store.h"

#include <utility>

#include "core/base/thread_pool.h"
#include "core/store/batch_rules.h"
#include "tests/fakes/in_memory_batches.h"

namespace sluice {
namespace {

constexpr int kMaxWaitingCalls = 4096;

std::unique_ptr<Executor> OwnThread() {
  return *ThreadPool::Create(
      {.name = "fake_store", .num_threads = 1, .max_queued_closures = kMaxWaitingCalls});
}

}  // namespace

InMemoryBatchStore::InMemoryBatchStore(Options options, const Clock& clock)
    : batches_(std::make_unique<InMemoryBatches>(
          clock, *options.stages,
          TryLimits{options.max_deaths_alone, options.max_plan_deaths_alone, options.alone_for})),
      own_executor_(options.executor == nullptr ? OwnThread() : nullptr),
      executor_(options.executor == nullptr ? *own_executor_ : *options.executor) {}

InMemoryBatchStore::~InMemoryBatchStore() = default;

void InMemoryBatchStore::SetListener(StoreListener* listener) {
  MutexLock lock(mutex_);
  listener_ = listener;
  while (notifying_ > 0) changed_.Wait(mutex_);
}

template <typename Answer, typename... Params, typename... Args>
void InMemoryBatchStore::Run(absl::AnyInvocable<void(Answer) &&> done,
                             Answer (InMemoryBatches::*method)(Params...), Args... args) {
  // Shared, because an executor that refuses the closure destroys it.
  auto shared = std::make_shared<absl::AnyInvocable<void(Answer) &&>>(std::move(done));
  const bool taken = executor_.TrySchedule([this, shared, method, ... args = std::move(args)] {
    auto answer = [&]() -> Answer {
      MutexLock lock(mutex_);
      return ((*batches_).*method)(args...);
    }();
    (std::move(*shared))(std::move(answer));
    Notify();
  });
  if (!taken) (std::move(*shared))(StoreBusy(kMaxWaitingCalls));
}

void InMemoryBatchStore::Notify() {
  StoreListener* listener = nullptr;
  InMemoryChanges changes;
  {
    MutexLock lock(mutex_);
    changes = batches_->TakeChanges();
    listener = listener_;
    if (listener == nullptr) return;
    ++notifying_;
  }
  if (changes.ready) listener->OnReady();
  for (const auto& [what, jobs] : changes.ended) listener->OnJobsEnded(what.first, what.second, jobs);
  for (const std::string& batch : changes.batches) listener->OnOutcomes(batch);
  for (const std::string& batch : changes.ended_batches) listener->OnBatchEnded(batch);
  MutexLock lock(mutex_);
  --notifying_;
  changed_.NotifyAll();
}

void InMemoryBatchStore::CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) {
  Run(std::move(done), &InMemoryBatches::CreateBatch, std::move(batch), std::move(jobs));
}
void InMemoryBatchStore::BeginUpload(NewBatch batch, Done<Batch> done) {
  Run(std::move(done), &InMemoryBatches::BeginUpload, std::move(batch));
}
void InMemoryBatchStore::AppendJobs(BatchKey upload, std::vector<NewJob> jobs, Done<void> done) {
  Run(std::move(done), &InMemoryBatches::AppendJobs, std::move(upload), std::move(jobs));
}
void InMemoryBatchStore::SealUpload(BatchKey upload, std::string digest, Done<Batch> done) {
  Run(std::move(done), &InMemoryBatches::SealUpload, std::move(upload), std::move(digest));
}
void InMemoryBatchStore::AbandonUpload(BatchKey upload, Done<void> done) {
  Run(std::move(done), &InMemoryBatches::AbandonUpload, std::move(upload));
}
void InMemoryBatchStore::GetBatch(BatchKey name, Done<Batch> done) {
  Run(std::move(done), &InMemoryBatches::GetBatch, std::move(name));
}
void InMemoryBatchStore::ListBatches(std::string tenant, int page_size, std::string page_token,
                                     Done<BatchPage> done) {
  Run(std::move(done), &InMemoryBatches::ListBatches, std::move(tenant), page_size, std::move(page_token));
}
void InMemoryBatchStore::CancelBatch(BatchKey name, Done<Batch> done) {
  Run(std::move(done), &InMemoryBatches::CancelBatch, std::move(name));
}
void InMemoryBatchStore::DeleteBatch(BatchKey name, Done<void> done) {
  Run(std::move(done), &InMemoryBatches::DeleteBatch, std::move(name));
}
void InMemoryBatchStore::ReadOutcomes(BatchKey name, int64_t after_sequence, int limit,
                                      Done<std::vector<Outcome>> done) {
  Run(std::move(done), &InMemoryBatches::ReadOutcomes, std::move(name), after_sequence, limit);
}
void InMemoryBatchStore::ReadRanked(BatchKey name, int page_size, std::string page_token,
                                    Done<RankedPage> done) {
  Run(std::move(done), &InMemoryBatches::ReadRanked, std::move(name), page_size, std::move(page_token));
}
void InMemoryBatchStore::OpenSession(absl::Duration lease, Done<SessionId> done) {
  Run(std::move(done), &InMemoryBatches::OpenSession, lease);
}
void InMemoryBatchStore::Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) {
  Run(std::move(done), &InMemoryBatches::Heartbeat, session, lease);
}
void InMemoryBatchStore::CloseSession(SessionId session, Done<void> done) {
  Run(std::move(done), &InMemoryBatches::CloseSession, session);
}
void InMemoryBatchStore::Claim(ClaimRequest request, Done<std::vector<Claimed>> done) {
  Run(std::move(done), &InMemoryBatches::Claim, std::move(request));
}
void InMemoryBatchStore::CommitSteps(std::vector<LeasedStep> steps, Done<std::vector<CommitResult>> done) {
  Run(std::move(done), &InMemoryBatches::CommitSteps, std::move(steps));
}
void InMemoryBatchStore::ReturnClaims(std::vector<LeaseKey> leases, Done<void> done) {
  Run(std::move(done), &InMemoryBatches::ReturnClaims, std::move(leases));
}
void InMemoryBatchStore::EndAttempts(std::vector<LeaseKey> leases, Done<void> done) {
  Run(std::move(done), &InMemoryBatches::EndAttempts, std::move(leases));
}
void InMemoryBatchStore::CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) {
  Run(std::move(done), &InMemoryBatches::CommitPlan, std::move(task), std::move(plan));
}
void InMemoryBatchStore::ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected,
                                   std::vector<PlannedJob> survivors, Done<void> done) {
  Run(std::move(done), &InMemoryBatches::ApplyPlan, std::move(task), std::move(rejected),
      std::move(survivors));
}
void InMemoryBatchStore::FinishPlan(LeaseKey task, Done<void> done) {
  Run(std::move(done), &InMemoryBatches::FinishPlan, std::move(task));
}
void InMemoryBatchStore::ReadTasks(std::string batch_id, int64_t job_index, int first_task, int limit,
                                   Done<std::vector<TaskEnd>> done) {
  Run(std::move(done), &InMemoryBatches::ReadTasks, std::move(batch_id), job_index, first_task, limit);
}
void InMemoryBatchStore::ReadBatch(std::string batch_id, Done<Batch> done) {
  Run(std::move(done), &InMemoryBatches::ReadBatch, std::move(batch_id));
}
void InMemoryBatchStore::ReadJobs(std::string batch_id, int64_t first_index, int limit,
                                  Done<std::vector<StoredJob>> done) {
  Run(std::move(done), &InMemoryBatches::ReadJobs, std::move(batch_id), first_index, limit);
}
void InMemoryBatchStore::Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) {
  Run(std::move(done), &InMemoryBatches::Sweep, retention, upload_age);
}
void InMemoryBatchStore::Stats(Done<StoreStats> done) {
  Run(std::move(done), &InMemoryBatches::Stats);
}

void InMemoryBatchStore::Restart(bool died) {
  MutexLock lock(mutex_);
  batches_->RequeueAll(died);
}

}  // namespace sluice
