#include "tests/fakes/plain_batch_store.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

absl::Status NoBatch() {
  return absl::NotFoundError("no such batch");
}
absl::Status Fenced() {
  return WithReason(absl::AbortedError("another's lease"), "FENCED");
}
absl::Status Dead() {
  return WithReason(absl::FailedPreconditionError("session is dead"), "SESSION_DEAD");
}
absl::Status NotHere() {
  return absl::UnimplementedError("not part of PlainBatchStore");
}

}  // namespace

PlainBatchStore::PlainBatchStore(const Clock& clock)
    : clock_(clock), thread_(*ThreadPool::Create({.name = "store", .max_queued_closures = 1 << 20})) {}

PlainBatchStore::~PlainBatchStore() = default;

template <typename Answer, typename Callback, typename Call>
void PlainBatchStore::Run(Callback done, Call call) {
  const bool accepted =
      thread_->TrySchedule([this, done = std::move(done), call = std::move(call)]() mutable {
        Changes changes;
        StoreListener* listener;
        std::optional<Answer> answer;
        {
          MutexLock lock(mutex_);
          answer.emplace(call(changes));
          listener = listener_;
        }
        std::move(done)(*std::move(answer));
        if (listener == nullptr) return;
        for (const std::string& batch_id : changes.batches) listener->OnOutcomes(batch_id);
        if (changes.ready) listener->OnReady();
      });
  (void)accepted;
}

void PlainBatchStore::SetListener(StoreListener* listener) {
  MutexLock lock(mutex_);
  listener_ = listener;
}

PlainBatchStore::Stored* PlainBatchStore::Find(const std::string& batch_id) {
  auto found = batches_.find(batch_id);
  return found == batches_.end() ? nullptr : &found->second;
}

PlainBatchStore::Row* PlainBatchStore::FindLease(const LeaseKey& key) {
  Stored* stored = Find(key.batch_id);
  if (stored == nullptr) return nullptr;
  auto row = stored->rows.find(key.job_index);
  if (row == stored->rows.end() || row->second.place != Place::kLeased || row->second.fence != key.fence) {
    return nullptr;
  }
  return &row->second;
}

void PlainBatchStore::CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) {
  Run<absl::StatusOr<Batch>>(
      std::move(done), [this, batch, jobs](Changes& changes) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        const std::string id = absl::StrFormat("%020d", ++last_number_);
        Stored& stored = batches_[id];
        stored.batch.id = id;
        stored.batch.tenant = batch.tenant;
        stored.batch.kind = batch.kind;
        stored.batch.spec = batch.spec;
        stored.batch.as_of = batch.as_of;
        stored.batch.counts.jobs = static_cast<int64_t>(jobs.size());
        const bool screen = batch.kind == JobKind::kScreen;
        if (screen) stored.rows[kPlanTask] = Row{.place = Place::kReady, .stage = Stage::kPlan};
        for (size_t i = 0; i < jobs.size(); ++i) {
          stored.rows[static_cast<int64_t>(i)] = Row{.place = screen ? Place::kWaiting : Place::kReady,
                                                     .stage = screen ? Stage::kScore : Stage::kEmbed,
                                                     .id = jobs[i].id,
                                                     .payload = jobs[i].payload};
        }
        changes.ready = true;
        return stored.batch;
      });
}

void PlainBatchStore::GetBatch(std::string tenant, std::string batch_id, Done<Batch> done) {
  Run<absl::StatusOr<Batch>>(std::move(done),
                             [this, tenant, batch_id](Changes&)
                                 ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<Batch> {
                                   Stored* stored = Find(batch_id);
                                   if (stored == nullptr || stored->batch.tenant != tenant) return NoBatch();
                                   return stored->batch;
                                 });
}

void PlainBatchStore::CancelBatch(std::string tenant, std::string batch_id, Done<Batch> done) {
  Run<absl::StatusOr<Batch>>(
      std::move(done),
      [this, tenant, batch_id](Changes& changes) ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<Batch> {
        Stored* stored = Find(batch_id);
        if (stored == nullptr || stored->batch.tenant != tenant) return NoBatch();
        if (IsTerminal(stored->batch.state)) return stored->batch;
        stored->batch.state = BatchState::kCancelling;
        for (auto& [index, row] : stored->rows) {
          if (index == kPlanTask || row.place == Place::kLeased || row.place == Place::kDone) continue;
          Record(*stored, index, NewOutcome{.kind = OutcomeKind::kCancelled}, changes);
        }
        return stored->batch;
      });
}

void PlainBatchStore::Record(Stored& stored, int64_t index, NewOutcome outcome, Changes& changes) {
  Row& row = stored.rows[index];
  row.place = Place::kDone;
  Batch& batch = stored.batch;
  stored.outcomes.push_back({++batch.last_sequence, index, row.id, outcome.kind, outcome.score, row.attempt,
                             outcome.result, outcome.error_reason, outcome.error_message});
  int64_t* counters[] = {&batch.counts.succeeded, &batch.counts.failed, &batch.counts.cancelled,
                         &batch.counts.expired};
  ++*counters[static_cast<int>(outcome.kind) - 1];
  if (batch.counts.done() == batch.counts.jobs) {
    batch.state = batch.counts.cancelled > 0                    ? BatchState::kCancelled
                  : batch.counts.succeeded == batch.counts.jobs ? BatchState::kSucceeded
                  : batch.counts.succeeded == 0                 ? BatchState::kFailed
                                                                : BatchState::kCompletedWithErrors;
    batch.end_time = clock_.WallNow();
  }
  if (changes.batches.empty() || changes.batches.back() != batch.id) changes.batches.push_back(batch.id);
}

void PlainBatchStore::ReadOutcomes(std::string batch_id, int64_t after_sequence, int limit,
                                   Done<std::vector<Outcome>> done) {
  Run<absl::StatusOr<std::vector<Outcome>>>(
      std::move(done),
      [this, batch_id, after_sequence,
       limit](Changes&) ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<std::vector<Outcome>> {
        Stored* stored = Find(batch_id);
        if (stored == nullptr) return NoBatch();
        const std::vector<Outcome>& all = stored->outcomes;
        if (after_sequence > static_cast<int64_t>(all.size())) return absl::OutOfRangeError("after_sequence");
        const size_t end = std::min(all.size(), static_cast<size_t>(after_sequence + limit));
        return std::vector<Outcome>(all.begin() + after_sequence, all.begin() + static_cast<int64_t>(end));
      });
}

void PlainBatchStore::ReadJobs(std::string batch_id, int64_t first_index, int limit,
                               Done<std::vector<StoredJob>> done) {
  Run<absl::StatusOr<std::vector<StoredJob>>>(
      std::move(done),
      [this, batch_id, first_index, limit](Changes&)
          ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<std::vector<StoredJob>> {
            Stored* stored = Find(batch_id);
            if (stored == nullptr) return NoBatch();
            std::vector<StoredJob> jobs;
            for (auto row = stored->rows.lower_bound(first_index);
                 row != stored->rows.end() && static_cast<int>(jobs.size()) < limit; ++row) {
              jobs.push_back({row->first, row->second.id, row->second.payload});
            }
            return jobs;
          });
}

void PlainBatchStore::OpenSession(absl::Duration lease, Done<SessionId> done) {
  Run<absl::StatusOr<SessionId>>(std::move(done), [this, lease](Changes&) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    const SessionId session = ++last_number_;
    sessions_[session] = clock_.MonotonicNow() + lease;
    return session;
  });
}

void PlainBatchStore::Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) {
  Run<absl::StatusOr<HeartbeatReply>>(
      std::move(done),
      [this, session, lease](Changes&) ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<HeartbeatReply> {
        auto found = sessions_.find(session);
        if (found == sessions_.end() || found->second <= clock_.MonotonicNow()) return Dead();
        found->second = clock_.MonotonicNow() + lease;
        HeartbeatReply reply;
        for (const auto& [id, stored] : batches_) {
          if (stored.batch.state == BatchState::kCancelling || stored.batch.state == BatchState::kCancelled) {
            reply.cancelled_batches.push_back(id);
          }
        }
        return reply;
      });
}

int64_t PlainBatchStore::EndSession(SessionId session, bool refund, Changes& changes) {
  sessions_.erase(session);
  int64_t requeued = 0;
  for (auto& [id, stored] : batches_) {
    for (auto& [index, row] : stored.rows) {
      if (row.place != Place::kLeased || row.session != session) continue;
      row.place = Place::kReady;
      if (refund) --row.attempt;
      ++requeued;
      changes.ready = true;
    }
  }
  return requeued;
}

void PlainBatchStore::CloseSession(SessionId session, DoneStatus done) {
  Run<absl::Status>(std::move(done), [this, session](Changes& changes) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    EndSession(session, /*refund=*/true, changes);
    return absl::OkStatus();
  });
}

void PlainBatchStore::Claim(ClaimRequest request, Done<std::vector<Claimed>> done) {
  Run<absl::StatusOr<std::vector<Claimed>>>(
      std::move(done),
      [this, request](Changes&) ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<std::vector<Claimed>> {
        auto session = sessions_.find(request.session);
        if (session == sessions_.end() || session->second <= clock_.MonotonicNow()) return Dead();
        std::vector<Claimed> claims;
        int64_t bytes = 0;
        for (auto& [id, stored] : batches_) {
          std::vector<std::pair<std::pair<int, int64_t>, Row*>> ready;
          for (auto& [index, row] : stored.rows) {
            if (row.place != Place::kReady || IsTerminal(stored.batch.state)) continue;
            if (std::find(request.stages.begin(), request.stages.end(), row.stage) == request.stages.end())
              continue;
            ready.push_back({{row.priority, index}, &row});
          }
          std::sort(ready.begin(), ready.end());
          for (auto& [order, row] : ready) {
            bytes += static_cast<int64_t>(row->payload.size());
            const bool full = static_cast<int>(claims.size()) == request.max_claims;
            if (full || (!claims.empty() && bytes > request.max_payload_bytes)) return claims;
            row->place = Place::kLeased;
            row->fence = ++last_number_;
            row->session = request.session;
            ++row->attempt;
            if (stored.batch.state == BatchState::kPending) stored.batch.state = BatchState::kRunning;
            claims.push_back({id, stored.batch.kind, row->stage, order.second, row->id, row->payload,
                              row->attempt, row->fence, stored.batch.tenant});
          }
        }
        return claims;
      });
}

void PlainBatchStore::CommitOutcomes(std::vector<LeasedOutcome> outcomes,
                                     Done<std::vector<CommitResult>> done) {
  Run<absl::StatusOr<std::vector<CommitResult>>>(
      std::move(done), [this, outcomes](Changes& changes) ABSL_NO_THREAD_SAFETY_ANALYSIS {
        std::vector<CommitResult> results;
        for (const LeasedOutcome& leased : outcomes) {
          if (FindLease(leased.lease) == nullptr) {
            results.push_back(CommitResult::kFenced);
            continue;
          }
          Record(*Find(leased.lease.batch_id), leased.lease.job_index, leased.outcome, changes);
          results.push_back(CommitResult::kRecorded);
        }
        return results;
      });
}

void PlainBatchStore::ReturnClaims(std::vector<LeaseKey> leases, DoneStatus done) {
  Run<absl::Status>(std::move(done), [this, leases](Changes& changes) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    for (const LeaseKey& lease : leases) {
      Row* row = FindLease(lease);
      if (row == nullptr) continue;
      --row->attempt;
      row->place = Place::kReady;
      Stored& stored = *Find(lease.batch_id);
      if (stored.batch.state == BatchState::kCancelling && lease.job_index != kPlanTask) {
        Record(stored, lease.job_index, NewOutcome{.kind = OutcomeKind::kCancelled}, changes);
      }
      changes.ready = true;
    }
    return absl::OkStatus();
  });
}

void PlainBatchStore::CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) {
  Run<absl::StatusOr<std::string>>(std::move(done),
                                   [this, task, plan](Changes& changes)
                                       ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::StatusOr<std::string> {
                                         if (FindLease(task) == nullptr) return Fenced();
                                         Stored& stored = *Find(task.batch_id);
                                         if (stored.batch.plan.empty()) stored.batch.plan = plan;
                                         changes.batches.push_back(task.batch_id);
                                         return stored.batch.plan;
                                       });
}

void PlainBatchStore::ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected,
                                std::vector<PlannedJob> survivors, DoneStatus done) {
  Run<absl::Status>(std::move(done),
                    [this, task, rejected, survivors](Changes& changes)
                        ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
                          if (FindLease(task) == nullptr) return Fenced();
                          Stored& stored = *Find(task.batch_id);
                          for (const NewOutcome& outcome : rejected) {
                            if (stored.rows[outcome.job_index].place != Place::kWaiting) continue;
                            Record(stored, outcome.job_index, outcome, changes);
                          }
                          for (const PlannedJob& survivor : survivors) {
                            Row& row = stored.rows[survivor.job_index];
                            if (row.place != Place::kWaiting) continue;
                            row.place = Place::kReady;
                            row.priority = survivor.priority;
                            changes.ready = true;
                          }
                          return absl::OkStatus();
                        });
}

void PlainBatchStore::FinishPlan(LeaseKey task, DoneStatus done) {
  Run<absl::Status>(std::move(done), [this, task](Changes&) ABSL_NO_THREAD_SAFETY_ANALYSIS -> absl::Status {
    Row* row = FindLease(task);
    if (row == nullptr) return Fenced();
    Stored& stored = *Find(task.batch_id);
    for (const auto& [index, job] : stored.rows) {
      if (job.place == Place::kWaiting) return absl::FailedPreconditionError("a job still waits");
    }
    row->place = Place::kDone;
    stored.batch.plan_applied = true;
    return absl::OkStatus();
  });
}

void PlainBatchStore::Sweep(absl::Duration, absl::Duration, Done<SweepReply> done) {
  Run<absl::StatusOr<SweepReply>>(std::move(done), [this](Changes& changes) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    std::vector<SessionId> dead;
    for (const auto& [session, until] : sessions_) {
      if (until <= clock_.MonotonicNow()) dead.push_back(session);
    }
    SweepReply reply;
    for (SessionId session : dead) reply.requeued += EndSession(session, /*refund=*/false, changes);
    reply.dead_sessions = static_cast<int>(dead.size());
    return reply;
  });
}

void PlainBatchStore::Stats(Done<StoreStats> done) {
  Run<absl::StatusOr<StoreStats>>(std::move(done), [this](Changes&) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    StoreStats stats;
    for (const auto& [id, stored] : batches_) {
      const int kind = static_cast<int>(stored.batch.kind) - 1;
      if (!IsTerminal(stored.batch.state)) ++stats.open_batches;
      for (const auto& [index, row] : stored.rows) {
        if (index == kPlanTask || row.place == Place::kDone) continue;
        ++(row.place == Place::kLeased ? stats.leased_jobs : stats.ready_jobs)[kind];
      }
    }
    return stats;
  });
}

void PlainBatchStore::BeginUpload(NewBatch, Done<Batch> done) {
  std::move(done)(NotHere());
}
void PlainBatchStore::AppendJobs(std::string, std::vector<NewJob>, DoneStatus done) {
  std::move(done)(NotHere());
}
void PlainBatchStore::SealUpload(std::string, std::string, Done<Batch> done) {
  std::move(done)(NotHere());
}
void PlainBatchStore::AbandonUpload(std::string, DoneStatus done) {
  std::move(done)(NotHere());
}
void PlainBatchStore::ListBatches(std::string, int, std::string, Done<BatchPage> done) {
  std::move(done)(NotHere());
}
void PlainBatchStore::DeleteBatch(std::string, std::string, DoneStatus done) {
  std::move(done)(NotHere());
}
void PlainBatchStore::ReadRanked(std::string, int, std::string, Done<RankedPage> done) {
  std::move(done)(NotHere());
}

}  // namespace sluice
