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
          clock, TryLimits{options.max_attempts, options.max_deaths_alone, options.max_plan_deaths_alone,
                           options.alone_for})),
      own_executor_(options.executor == nullptr ? OwnThread() : nullptr),
      executor_(options.executor == nullptr ? *own_executor_ : *options.executor) {}

InMemoryBatchStore::~InMemoryBatchStore() = default;

void InMemoryBatchStore::SetListener(StoreListener* listener) {
  MutexLock lock(mutex_);
  listener_ = listener;
  while (notifying_ > 0) changed_.Wait(mutex_);
}

template <typename Answer, typename Body>
void InMemoryBatchStore::Run(absl::AnyInvocable<void(Answer) &&> done, Body body) {
  // Shared, because an executor that refuses the closure destroys it.
  auto shared = std::make_shared<absl::AnyInvocable<void(Answer) &&>>(std::move(done));
  const bool taken = executor_.TrySchedule([this, shared, body = std::move(body)]() mutable {
    auto answer = [&]() -> Answer {
      MutexLock lock(mutex_);
      return body(*batches_);
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
  Run(std::move(done), [batch = std::move(batch), jobs = std::move(jobs)](InMemoryBatches& batches) {
    return batches.CreateBatch(batch, jobs);
  });
}
void InMemoryBatchStore::BeginUpload(NewBatch batch, Done<Batch> done) {
  Run(std::move(done),
      [batch = std::move(batch)](InMemoryBatches& batches) { return batches.BeginUpload(batch); });
}
void InMemoryBatchStore::AppendJobs(std::string batch_id, std::vector<NewJob> jobs, DoneStatus done) {
  Run(std::move(done), [batch_id = std::move(batch_id), jobs = std::move(jobs)](InMemoryBatches& batches) {
    return batches.AppendJobs(batch_id, jobs);
  });
}
void InMemoryBatchStore::SealUpload(std::string batch_id, std::string digest, Done<Batch> done) {
  Run(std::move(done), [batch_id = std::move(batch_id), digest = std::move(digest)](
                           InMemoryBatches& batches) { return batches.SealUpload(batch_id, digest); });
}
void InMemoryBatchStore::AbandonUpload(std::string batch_id, DoneStatus done) {
  Run(std::move(done),
      [batch_id = std::move(batch_id)](InMemoryBatches& batches) { return batches.AbandonUpload(batch_id); });
}
void InMemoryBatchStore::GetBatch(std::string tenant, std::string batch_id, Done<Batch> done) {
  Run(std::move(done), [tenant = std::move(tenant), batch_id = std::move(batch_id)](
                           InMemoryBatches& batches) { return batches.GetBatch(tenant, batch_id); });
}
void InMemoryBatchStore::ListBatches(std::string tenant, int page_size, std::string page_token,
                                     Done<BatchPage> done) {
  Run(std::move(done),
      [tenant = std::move(tenant), page_size, page_token = std::move(page_token)](InMemoryBatches& batches) {
        return batches.ListBatches(tenant, page_size, page_token);
      });
}
void InMemoryBatchStore::CancelBatch(std::string tenant, std::string batch_id, Done<Batch> done) {
  Run(std::move(done), [tenant = std::move(tenant), batch_id = std::move(batch_id)](
                           InMemoryBatches& batches) { return batches.CancelBatch(tenant, batch_id); });
}
void InMemoryBatchStore::DeleteBatch(std::string tenant, std::string batch_id, DoneStatus done) {
  Run(std::move(done), [tenant = std::move(tenant), batch_id = std::move(batch_id)](
                           InMemoryBatches& batches) { return batches.DeleteBatch(tenant, batch_id); });
}
void InMemoryBatchStore::ReadOutcomes(std::string batch_id, int64_t after_sequence, int limit,
                                      Done<std::vector<Outcome>> done) {
  Run(std::move(done), [batch_id = std::move(batch_id), after_sequence, limit](InMemoryBatches& batches) {
    return batches.ReadOutcomes(batch_id, after_sequence, limit);
  });
}
void InMemoryBatchStore::ReadRanked(std::string batch_id, int page_size, std::string page_token,
                                    Done<RankedPage> done) {
  Run(std::move(done),
      [batch_id = std::move(batch_id), page_size, page_token = std::move(page_token)](
          InMemoryBatches& batches) { return batches.ReadRanked(batch_id, page_size, page_token); });
}
void InMemoryBatchStore::ReadJobs(std::string batch_id, int64_t first_index, int limit,
                                  Done<std::vector<StoredJob>> done) {
  Run(std::move(done), [batch_id = std::move(batch_id), first_index, limit](InMemoryBatches& batches) {
    return batches.ReadJobs(batch_id, first_index, limit);
  });
}
void InMemoryBatchStore::OpenSession(absl::Duration lease, Done<SessionId> done) {
  Run(std::move(done), [lease](InMemoryBatches& batches) { return batches.OpenSession(lease); });
}
void InMemoryBatchStore::Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) {
  Run(std::move(done),
      [session, lease](InMemoryBatches& batches) { return batches.Heartbeat(session, lease); });
}
void InMemoryBatchStore::CloseSession(SessionId session, DoneStatus done) {
  Run(std::move(done), [session](InMemoryBatches& batches) { return batches.CloseSession(session); });
}
void InMemoryBatchStore::Claim(ClaimRequest request, Done<std::vector<Claimed>> done) {
  Run(std::move(done),
      [request = std::move(request)](InMemoryBatches& batches) { return batches.Claim(request); });
}
void InMemoryBatchStore::CommitOutcomes(std::vector<LeasedOutcome> outcomes,
                                        Done<std::vector<CommitResult>> done) {
  Run(std::move(done), [outcomes = std::move(outcomes)](InMemoryBatches& batches) {
    return batches.CommitOutcomes(outcomes);
  });
}
void InMemoryBatchStore::ReturnClaims(std::vector<LeaseKey> leases, DoneStatus done) {
  Run(std::move(done),
      [leases = std::move(leases)](InMemoryBatches& batches) { return batches.ReturnClaims(leases); });
}
void InMemoryBatchStore::EndAttempts(std::vector<LeaseKey> leases, DoneStatus done) {
  Run(std::move(done),
      [leases = std::move(leases)](InMemoryBatches& batches) { return batches.EndAttempts(leases); });
}
void InMemoryBatchStore::CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) {
  Run(std::move(done), [task = std::move(task), plan = std::move(plan)](InMemoryBatches& batches) {
    return batches.CommitPlan(task, plan);
  });
}
void InMemoryBatchStore::ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected,
                                   std::vector<PlannedJob> survivors, DoneStatus done) {
  Run(std::move(done),
      [task = std::move(task), rejected = std::move(rejected), survivors = std::move(survivors)](
          InMemoryBatches& batches) { return batches.ApplyPlan(task, rejected, survivors); });
}
void InMemoryBatchStore::FinishPlan(LeaseKey task, DoneStatus done) {
  Run(std::move(done),
      [task = std::move(task)](InMemoryBatches& batches) { return batches.FinishPlan(task); });
}
void InMemoryBatchStore::Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) {
  Run(std::move(done),
      [retention, upload_age](InMemoryBatches& batches) { return batches.Sweep(retention, upload_age); });
}
void InMemoryBatchStore::Stats(Done<StoreStats> done) {
  Run(std::move(done), [](InMemoryBatches& batches) { return absl::StatusOr<StoreStats>(batches.Stats()); });
}

void InMemoryBatchStore::Restart(bool died) {
  MutexLock lock(mutex_);
  batches_->RequeueAll(died);
}

}  // namespace sluice
