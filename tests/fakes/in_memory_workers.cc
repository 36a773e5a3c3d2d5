// Sessions, claims, outcomes, the plan task, endings and upkeep of InMemoryBatches.
#include <algorithm>
#include <tuple>

#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "tests/fakes/in_memory_batches.h"

namespace sluice {
namespace {

constexpr int kBatchesASweep = 16;

}  // namespace

template <typename Visit>
void InMemoryBatches::VisitTasks(Visit visit) {
  for (auto& [id, entry] : entries_) {
    const Where plan = entry.plan_task.where;
    if (!entry.open() && plan != Where::kReady && plan != Where::kLeased) continue;  // every job is done
    for (int64_t index = kPlanTask; index < static_cast<int64_t>(entry.tasks.size()); ++index) {
      visit(entry, index, entry.task(index));
    }
  }
}

template <typename Predicate>
void InMemoryBatches::RequeueWhere(Predicate predicate, LeaseEnd end, SweepReply& reply) {
  VisitTasks([&](Entry& entry, int64_t index, const Task& task) {
    if (task.where == Where::kLeased && predicate(task)) Requeue(entry, index, end, reply);
  });
}

bool InMemoryBatches::Alive(SessionId session) const {
  const auto found = sessions_.find(session);
  return found != sessions_.end() && found->second > clock_.MonotonicNow();
}

InMemoryBatches::Task* InMemoryBatches::FindLease(const LeaseKey& lease) {
  const absl::StatusOr<Entry*> entry = Find(lease.batch_id);
  if (!entry.ok() || lease.job_index < kPlanTask || lease.job_index >= (*entry)->batch.counts.jobs)
    return nullptr;
  Task& task = (*entry)->task(lease.job_index);
  return task.where == Where::kLeased && task.fence == lease.fence ? &task : nullptr;
}

absl::StatusOr<SessionId> InMemoryBatches::OpenSession(absl::Duration lease) {
  SLUICE_RETURN_IF_ERROR(CheckSessionLease(lease));
  sessions_[++last_session_] = clock_.MonotonicNow() + lease;
  return last_session_;
}

absl::StatusOr<HeartbeatReply> InMemoryBatches::Heartbeat(SessionId session, absl::Duration lease) {
  SLUICE_RETURN_IF_ERROR(CheckSessionLease(lease));
  if (!Alive(session)) return SessionDead(session);
  sessions_[session] = clock_.MonotonicNow() + lease;
  HeartbeatReply reply;
  for (const auto& [id, entry] : entries_) {
    if (!entry.open()) continue;
    const bool holds = std::any_of(entry.tasks.begin(), entry.tasks.end(), [&](const Task& task) {
      return task.where == Where::kLeased && task.session == session;
    });
    if (entry.ending && holds) reply.cancelled_batches.push_back(id);
  }
  VisitTasks([&](Entry& entry, int64_t index, const Task& task) {
    if (task.where == Where::kLeased && task.session == session)
      reply.leases.push_back({entry.batch.id, index, task.fence});
  });
  return reply;
}

absl::Status InMemoryBatches::CloseSession(SessionId session) {
  SweepReply reply;
  RequeueWhere([&](const Task& task) { return task.session == session; }, LeaseEnd::kGivenBack, reply);
  sessions_.erase(session);
  return absl::OkStatus();
}

// In order. The first suspect by itself; nothing while somebody has his time alone.
std::vector<InMemoryBatches::Rank> InMemoryBatches::Claimable(const ClaimRequest& request) {
  const auto in = [](Stage stage, const std::vector<Stage>& stages) {
    return std::count(stages.begin(), stages.end(), stage) > 0;
  };
  std::set<Rank> ordinary;
  std::set<std::tuple<int, bool, Rank>> suspects;  // deaths, a plan task
  bool young = false;
  bool young_suspect = false;
  VisitTasks([&](Entry& entry, int64_t index, const Task& task) {
    const bool suspect = task.tries.suspicion > 0;
    if (task.where == Where::kLeased && task.alone_until > clock_.MonotonicNow()) {
      young = true;
      young_suspect |= suspect;
    }
    if (task.where != Where::kReady) return;
    const bool plan = index == kPlanTask;
    const Rank rank(!plan, entry.batch.priority, entry.batch.id, task.priority, index);
    const bool wanted = in(task.stage, request.stages);
    const bool served = request.serves.empty() ? wanted : in(task.stage, request.serves);
    if (suspect && served) suspects.emplace(task.tries.suspicion, plan, rank);
    if (!suspect && wanted) ordinary.insert(rank);
  });
  if (suspects.empty() && !young_suspect) return {ordinary.begin(), ordinary.end()};
  if (suspects.empty() || young) return {};
  const auto& [deaths, plan, first] = *suspects.begin();
  Entry& entry = entries_.at(std::get<2>(first));
  if (!in(entry.task(std::get<4>(first)).stage, request.stages)) return {};
  return {first};
}

void InMemoryBatches::MarkOutstayed() {
  const absl::Duration now = clock_.MonotonicNow();
  VisitTasks([now](Entry&, int64_t, Task& task) {
    const bool long_lease = task.where == Where::kLeased && task.alone_until <= now;
    if (long_lease && task.tries.suspicion > 0) task.outstayed = true;
  });
}

absl::StatusOr<std::vector<Claimed>> InMemoryBatches::Claim(const ClaimRequest& request) {
  SLUICE_RETURN_IF_ERROR(CheckClaim(request));
  if (!Alive(request.session)) return SessionDead(request.session);
  const absl::Duration now = clock_.MonotonicNow();
  const std::vector<Rank> ranks = Claimable(request);
  if (!ranks.empty()) MarkOutstayed();
  std::vector<Claimed> claims;
  int64_t bytes = 0;
  for (const auto& [is_job, batch_priority, id, priority, index] : ranks) {
    Entry& entry = entries_.at(id);
    Task& task = entry.task(index);
    const NewJob job = is_job ? entry.jobs[static_cast<size_t>(index)] : NewJob{};
    bytes += static_cast<int64_t>(job.payload.size());
    const bool full = static_cast<int>(claims.size()) == request.max_claims;
    if (full || (bytes > request.max_payload_bytes && !claims.empty())) break;
    task.where = Where::kLeased;
    task.session = request.session;
    task.fence = ++last_fence_;
    task.run_until = now + request.run_for;
    task.alone_until = now + limits_.alone_for;
    task.outstayed = false;
    claims.push_back(
        {id, entry.batch.kind, task.stage, index, job.id, job.payload, ++task.tries.attempts, task.fence});
    if (entry.batch.state != BatchState::kPending) continue;
    entry.batch.state = BatchState::kRunning;
    changes_.batches.insert(id);
  }
  return claims;
}

void InMemoryBatches::Record(Entry& entry, int64_t index, NewOutcome outcome) {
  Batch& batch = entry.batch;
  Task& task = entry.task(index);
  task.where = Where::kDone;
  changes_.ready |= task.tries.suspicion > 0;
  entry.outcomes.push_back({++batch.last_sequence, index, entry.jobs[static_cast<size_t>(index)].id,
                            outcome.kind, outcome.score, task.tries.attempts, outcome.result,
                            outcome.error_code, outcome.error_reason, outcome.error_message});
  CountOutcome(outcome.kind, 1, batch.counts);
  changes_.batches.insert(batch.id);
  if (batch.counts.done() < batch.counts.jobs) return;
  batch.state = EndState(batch.counts);
  changes_.ended_batches.insert(batch.id);
  batch.end_time = StoredTime(clock_.WallNow());
}

absl::StatusOr<std::vector<CommitResult>> InMemoryBatches::CommitOutcomes(
    const std::vector<LeasedOutcome>& outcomes) {
  SLUICE_RETURN_IF_ERROR(CheckOutcomes(outcomes));
  std::vector<CommitResult> results;
  for (const LeasedOutcome& leased : outcomes) {
    const bool held = FindLease(leased.lease) != nullptr;
    results.push_back(held ? CommitResult::kRecorded : CommitResult::kFenced);
    if (held) Record(entries_.at(leased.lease.batch_id), leased.lease.job_index, leased.outcome);
  }
  return results;
}

absl::Status InMemoryBatches::ReturnClaims(const std::vector<LeaseKey>& leases) {
  return EndLeases(leases, LeaseEnd::kGivenBack);
}

absl::Status InMemoryBatches::EndAttempts(const std::vector<LeaseKey>& leases) {
  return EndLeases(leases, LeaseEnd::kLost);
}

absl::Status InMemoryBatches::EndLeases(const std::vector<LeaseKey>& leases, LeaseEnd end) {
  SweepReply reply;
  for (const LeaseKey& lease : leases) {
    if (FindLease(lease) == nullptr) continue;
    Requeue(entries_.at(lease.batch_id), lease.job_index, end, reply);
  }
  return absl::OkStatus();
}

absl::StatusOr<InMemoryBatches::Entry*> InMemoryBatches::FindPlanTask(const LeaseKey& task) {
  SLUICE_RETURN_IF_ERROR(CheckPlanTask(task));
  if (FindLease(task) == nullptr) return Fenced();
  return &entries_.at(task.batch_id);
}

absl::StatusOr<std::string> InMemoryBatches::CommitPlan(const LeaseKey& task, const std::string& plan) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, FindPlanTask(task));
  if (!entry->has_plan) {
    entry->has_plan = true;
    entry->batch.plan = plan;
    entry->ForgetPlanDeaths();
    changes_.batches.insert(task.batch_id);
  }
  return entry->batch.plan;
}

absl::Status InMemoryBatches::ApplyPlan(const LeaseKey& task, const std::vector<NewOutcome>& rejected,
                                        const std::vector<PlannedJob>& survivors) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, FindPlanTask(task));
  SLUICE_RETURN_IF_ERROR(CheckPlan(rejected, survivors, entry->batch.counts.jobs));
  bool progress = false;
  for (const NewOutcome& outcome : rejected) {
    if (entry->task(outcome.job_index).where != Where::kWaiting) continue;
    Record(*entry, outcome.job_index, outcome);
    progress = true;
  }
  for (const PlannedJob& survivor : survivors) {
    Task& job = entry->task(survivor.job_index);
    if (job.where != Where::kWaiting) continue;
    job.where = Where::kReady;
    job.priority = survivor.priority;
    changes_.ready = true;
    progress = true;
  }
  if (progress) entry->ForgetPlanDeaths();
  return absl::OkStatus();
}

absl::Status InMemoryBatches::FinishPlan(const LeaseKey& task) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, FindPlanTask(task));
  const int64_t waiting = std::count_if(entry->tasks.begin(), entry->tasks.end(),
                                        [](const Task& job) { return job.where == Where::kWaiting; });
  if (waiting > 0) return JobsStillWait(waiting);
  changes_.ready |= AnySuspect();
  entry->plan_task.where = Where::kDone;
  entry->batch.plan_applied = true;
  changes_.batches.insert(task.batch_id);
  return absl::OkStatus();
}

void InMemoryBatches::EndUnstarted(Entry& entry, const NewOutcome& outcome, bool keep_ready) {
  for (int64_t index = 0; index < static_cast<int64_t>(entry.tasks.size()); ++index) {
    const Where where = entry.task(index).where;
    if (where == Where::kWaiting || (where == Where::kReady && !keep_ready))
      RecordEnded(entry, index, outcome);
  }
}

void InMemoryBatches::EndBatch(Entry& entry, OutcomeKind ending) {
  entry.ending = ending;
  changes_.ready |= AnySuspect();
  entry.plan_task.where = Where::kDone;
  entry.batch.state = BatchState::kCancelling;
  changes_.batches.insert(entry.batch.id);
  NewOutcome outcome;
  outcome.kind = ending;
  EndUnstarted(entry, outcome, /*keep_ready=*/false);
}

absl::StatusOr<Batch> InMemoryBatches::CancelBatch(const BatchKey& name) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, Find(name));
  if (entry->batch.state == BatchState::kUploading) return UploadStillOpen(name.id);
  if (entry->open() && !entry->ending) EndBatch(*entry, OutcomeKind::kCancelled);
  return entry->batch;
}

void InMemoryBatches::RecordEnded(Entry& entry, int64_t index, const NewOutcome& outcome) {
  ++changes_.ended[{entry.batch.kind, outcome.kind}];
  Record(entry, index, outcome);
}

void InMemoryBatches::Requeue(Entry& entry, int64_t index, LeaseEnd end, SweepReply& reply) {
  Task& task = entry.task(index);
  task.tries = TriesAfter(end, index, task.tries);
  changes_.ready |= task.tries.suspicion > 0;
  const bool is_plan = index == kPlanTask;
  const std::optional<NewOutcome> given_up = GivenUp(index, task.tries, limits_);
  task.where = Where::kDone;
  if (is_plan && !entry.open()) {
    entry.batch.plan_applied |= entry.has_plan;
  } else if (entry.ending) {
    NewOutcome outcome;
    outcome.kind = *entry.ending;
    RecordEnded(entry, index, outcome);
  } else if (!given_up) {
    task.where = Where::kReady;
    ++reply.requeued;
    changes_.ready = true;
  } else {
    ++reply.exhausted;
    if (is_plan) EndUnstarted(entry, *given_up, /*keep_ready=*/true);
    if (!is_plan) RecordEnded(entry, index, *given_up);
  }
}

bool InMemoryBatches::AnySuspect() {
  bool any = false;
  VisitTasks([&](Entry&, int64_t, const Task& task) {
    any |= task.tries.suspicion > 0 && (task.where == Where::kReady || task.where == Where::kLeased);
  });
  return any;
}

void InMemoryBatches::RequeueAll(bool died) {
  int64_t leased = 0;
  VisitTasks([&](Entry&, int64_t, const Task& task) { leased += task.where == Where::kLeased; });
  SweepReply reply;
  VisitTasks([&](Entry& entry, int64_t index, const Task& task) {
    if (task.where != Where::kLeased) return;
    Requeue(entry, index, died ? EndByDeath(leased, task.outstayed) : LeaseEnd::kGivenBack, reply);
  });
  sessions_.clear();
  std::erase_if(entries_, [](const auto& item) { return item.second.batch.state == BatchState::kUploading; });
}

absl::StatusOr<SweepReply> InMemoryBatches::Sweep(absl::Duration retention, absl::Duration upload_age) {
  SweepReply reply;
  const absl::Duration now = clock_.MonotonicNow();
  RequeueWhere([&](const Task& task) { return task.run_until <= now || !Alive(task.session); },
               LeaseEnd::kLost, reply);
  reply.dead_sessions =
      static_cast<int>(std::erase_if(sessions_, [&](const auto& session) { return session.second <= now; }));
  const absl::Time wall = clock_.WallNow();
  for (auto& [id, entry] : entries_) {
    if (reply.expired_batches == kBatchesASweep) break;
    if (!entry.open() || entry.ending || entry.batch.expire_time > wall) continue;
    EndBatch(entry, OutcomeKind::kExpired);
    ++reply.expired_batches;
  }
  std::erase_if(entries_, [&](const auto& item) {
    const Batch& batch = item.second.batch;
    const bool old = IsTerminal(batch.state) && batch.end_time <= wall - retention;
    const bool abandoned = batch.state == BatchState::kUploading && batch.create_time <= wall - upload_age;
    if (reply.purged_batches + reply.abandoned_uploads == kBatchesASweep) return false;
    if (old) ++reply.purged_batches;
    if (abandoned) ++reply.abandoned_uploads;
    return old || abandoned;
  });
  return reply;
}

absl::StatusOr<StoreStats> InMemoryBatches::Stats() {
  StoreStats stats;
  for (const auto& [id, entry] : entries_) {
    if (!entry.open()) continue;
    ++stats.open_batches;
    const size_t kind = static_cast<size_t>(entry.batch.kind) - 1;
    for (const Task& task : entry.tasks) {
      if (task.where != Where::kDone) ++stats.tenant_jobs[entry.batch.tenant];
      if (task.where == Where::kLeased) ++stats.leased_jobs[kind];
      if (task.where == Where::kReady || task.where == Where::kWaiting) ++stats.ready_jobs[kind];
      if (task.where == Where::kReady && entry.batch.plan_applied) ++stats.model_jobs;
    }
  }
  return stats;
}

}  // namespace sluice
