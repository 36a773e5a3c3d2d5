// Sessions, claims, steps, the plan task, endings and upkeep of InMemoryBatches.
#include <algorithm>
#include <tuple>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/batch_rules.h"
#include "tests/fakes/in_memory_batches.h"

namespace sluice {
namespace {

constexpr int kBatchesASweep = 16;

}  // namespace

template <typename Visit>
void InMemoryBatches::VisitWork(Visit visit) {
  for (auto& [id, entry] : entries_) {
    if (entry.batch.state == BatchState::kUploading) continue;
    const Where plan = entry.plan_task().where;
    if (!entry.open() && plan != Where::kReady && plan != Where::kLeased) continue;  // every job is done
    for (int64_t slot = 0; slot < std::ssize(entry.work); ++slot) visit(entry, slot, entry.at(slot));
  }
}

template <typename Predicate>
void InMemoryBatches::RequeueWhere(Predicate predicate, LeaseEnd end, SweepReply& reply) {
  VisitWork([&](Entry& entry, int64_t slot, const Work& work) {
    if (work.where == Where::kLeased && predicate(work)) Requeue(entry, slot, end, reply);
  });
}

bool InMemoryBatches::Alive(SessionId session) const {
  const auto found = sessions_.find(session);
  return found != sessions_.end() && found->second > clock_.MonotonicNow();
}

InMemoryBatches::Work* InMemoryBatches::FindLease(const LeaseKey& lease) {
  const absl::StatusOr<Entry*> entry = Find(lease.batch_id);
  if (!entry.ok() || lease.slot < 0 || lease.slot >= std::ssize((*entry)->work)) return nullptr;
  Work& work = (*entry)->at(lease.slot);
  return work.where == Where::kLeased && work.fence == lease.fence ? &work : nullptr;
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
    const bool holds = std::any_of(entry.work.begin(), entry.work.end(), [&](const Work& work) {
      return work.where == Where::kLeased && work.session == session;
    });
    if (entry.ending && holds) reply.cancelled_batches.push_back(id);
  }
  VisitWork([&](Entry& entry, int64_t slot, const Work& work) {
    if (work.where == Where::kLeased && work.session == session)
      reply.leases.push_back({entry.batch.id, slot, work.fence});
  });
  return reply;
}

absl::Status InMemoryBatches::CloseSession(SessionId session) {
  SweepReply reply;
  RequeueWhere([&](const Work& work) { return work.session == session; }, LeaseEnd::kGivenBack, reply);
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
  VisitWork([&](Entry& entry, int64_t slot, const Work& work) {
    const bool suspect = work.tries.suspicion > 0;
    if (work.where == Where::kLeased && work.alone_until > clock_.MonotonicNow()) {
      young = true;
      young_suspect |= suspect;
    }
    if (work.where != Where::kReady) return;
    const bool plan = ScopeOf(work) == StageScope::kBatch;
    const Rank rank(!plan, entry.batch.priority, entry.batch.id, -stages_.OrderOf(work.stage), work.priority,
                    slot);
    const bool wanted = in(work.stage, request.stages);
    const bool served = request.serves.empty() ? wanted : in(work.stage, request.serves);
    if (suspect && served) suspects.emplace(work.tries.suspicion, plan, rank);
    if (!suspect && wanted) ordinary.insert(rank);
  });
  if (suspects.empty() && !young_suspect) return {ordinary.begin(), ordinary.end()};
  if (suspects.empty() || young) return {};
  const auto& [deaths, plan, first] = *suspects.begin();
  Entry& entry = entries_.at(std::get<2>(first));
  if (!in(entry.at(std::get<5>(first)).stage, request.stages)) return {};
  return {first};
}

void InMemoryBatches::MarkOutstayed() {
  const absl::Duration now = clock_.MonotonicNow();
  VisitWork([now](Entry&, int64_t, Work& work) {
    const bool long_lease = work.where == Where::kLeased && work.alone_until <= now;
    if (long_lease && work.tries.suspicion > 0) work.outstayed = true;
  });
}

void InMemoryBatches::FillClaim(const Entry& entry, const Work& work, Claimed& claim) const {
  if (claim.scope == StageScope::kBatch) return;
  claim.job_index = claim.scope == StageScope::kTask ? work.job : claim.slot;
  const NewJob& job = entry.jobs[static_cast<size_t>(claim.job_index)];
  claim.job_id = job.id;
  claim.payload = claim.scope == StageScope::kTask ? work.payload : job.payload;
  claim.artifact = work.artifact;
  if (claim.scope == StageScope::kTask) claim.task = work.end.task;
}

absl::StatusOr<std::vector<Claimed>> InMemoryBatches::Claim(const ClaimRequest& request) {
  SLUICE_RETURN_IF_ERROR(CheckClaim(request, stages_));
  if (!Alive(request.session)) return SessionDead(request.session);
  const absl::Duration now = clock_.MonotonicNow();
  const std::vector<Rank> ranks = Claimable(request);
  if (!ranks.empty()) MarkOutstayed();
  std::vector<Claimed> claims;
  int64_t bytes = 0;
  for (const Rank& rank : ranks) {
    Entry& entry = entries_.at(std::get<2>(rank));
    const int64_t slot = std::get<5>(rank);
    Work& work = entry.at(slot);
    Claimed claim{.batch_id = entry.batch.id,
                  .kind = entry.batch.kind,
                  .stage = work.stage,
                  .scope = ScopeOf(work),
                  .slot = slot,
                  .attempt = work.tries.attempts + 1,
                  .alone = work.tries.suspicion > 0,
                  .fence = last_fence_ + 1};
    FillClaim(entry, work, claim);
    bytes += std::ssize(claim.payload) + std::ssize(claim.artifact);
    const bool full = static_cast<int>(claims.size()) == request.max_claims;
    if (full || (bytes > request.max_payload_bytes && !claims.empty())) break;
    work.where = Where::kLeased;
    work.session = request.session;
    work.fence = ++last_fence_;
    ++work.tries.attempts;
    work.run_until = now + stages_.At(work.stage).longest_attempt;
    work.alone_until = now + limits_.alone_for;
    work.outstayed = false;
    claims.push_back(std::move(claim));
    if (entry.batch.state != BatchState::kPending) continue;
    entry.batch.state = BatchState::kRunning;
    changes_.batches.insert(entry.batch.id);
  }
  return claims;
}

void InMemoryBatches::Record(Entry& entry, int64_t index, NewOutcome outcome) {
  Batch& batch = entry.batch;
  Work& work = entry.at(index);
  work.where = Where::kDone;
  changes_.ready |= work.tries.suspicion > 0;
  entry.outcomes.push_back({++batch.last_sequence, index, entry.jobs[static_cast<size_t>(index)].id,
                            outcome.kind, outcome.score, work.tries.attempts, outcome.result,
                            outcome.error_code, outcome.error_reason, outcome.error_message});
  CountOutcome(outcome.kind, 1, batch.counts);
  changes_.batches.insert(batch.id);
  if (batch.counts.done() < batch.counts.jobs) return;
  batch.state = EndState(batch.counts);
  changes_.ended_batches.insert(batch.id);
  batch.end_time = StoredTime(clock_.WallNow());
}

absl::Status InMemoryBatches::CheckHeldSteps(const std::vector<LeasedStep>& steps) {
  std::set<Fence> ended;
  std::map<std::string, int64_t> added;  // tasks, by batch
  for (size_t i = 0; i < steps.size(); ++i) {
    const Work* const held = FindLease(steps[i].lease);
    if (held == nullptr || !ended.insert(held->fence).second) continue;
    SLUICE_RETURN_IF_ERROR(CheckStepOf(stages_, stages_.At(held->stage), i, steps[i].step));
    const auto* const fan_out = std::get_if<FanOut>(&steps[i].step);
    if (fan_out == nullptr) continue;
    const Entry& entry = entries_.at(steps[i].lease.batch_id);
    const int64_t jobs = entry.batch.counts.jobs;
    int64_t& more = added[steps[i].lease.batch_id];
    const int64_t tasks = std::ssize(entry.work) - jobs - 1 + more;
    SLUICE_RETURN_IF_ERROR(CheckRoomForTasks(i, jobs, tasks, std::ssize(fan_out->tasks)));
    more += std::ssize(fan_out->tasks);
  }
  return absl::OkStatus();
}

void InMemoryBatches::TakeStep(Entry& entry, int64_t slot, const Step& step) {
  Work& work = entry.at(slot);
  changes_.ready |= work.tries.suspicion > 0;
  const auto* const outcome = std::get_if<NewOutcome>(&step);
  if (ScopeOf(work) == StageScope::kTask) return EndTask(entry, slot, *outcome);
  if (outcome != nullptr) return Record(entry, slot, *outcome);
  if (entry.ending) {
    NewOutcome ended;
    ended.kind = *entry.ending;
    return RecordEnded(entry, slot, ended);
  }
  if (const auto* const fan_out = std::get_if<FanOut>(&step)) return FanOutJob(entry, slot, *fan_out);
  work.artifact = std::get<Advance>(step).artifact;
  MakeReady(work, std::get<Advance>(step).next);
  changes_.ready = true;
}

void InMemoryBatches::FanOutJob(Entry& entry, int64_t slot, const FanOut& fan_out) {
  std::vector<int64_t> tasks;
  for (const std::string& payload : fan_out.tasks) {
    Work task{.priority = entry.at(slot).priority, .job = slot, .payload = payload};
    task.end.task = static_cast<int>(tasks.size());
    MakeReady(task, fan_out.stage);
    tasks.push_back(std::ssize(entry.work));
    entry.work.push_back(std::move(task));
  }
  Work& job = entry.at(slot);
  job.where = Where::kWaiting;
  job.tries = {};
  job.artifact = fan_out.artifact;
  job.next = fan_out.next;
  job.open_tasks = std::ssize(tasks);
  job.tasks = std::move(tasks);
  changes_.ready = true;
}

void InMemoryBatches::EndTask(Entry& entry, int64_t slot, const NewOutcome& outcome) {
  Work& task = entry.at(slot);
  task.where = Where::kDone;
  task.ended = true;
  task.end = {.task = task.end.task,
              .kind = outcome.kind,
              .attempt = task.tries.attempts,
              .result = outcome.result,
              .error_code = outcome.error_code,
              .error_reason = outcome.error_reason,
              .error_message = outcome.error_message};
  Work& job = entry.at(task.job);
  if (--job.open_tasks > 0) return;
  MakeReady(job, job.next);
  changes_.ready = true;
}

absl::StatusOr<std::vector<CommitResult>> InMemoryBatches::CommitSteps(const std::vector<LeasedStep>& steps) {
  SLUICE_RETURN_IF_ERROR(CheckSteps(steps));
  SLUICE_RETURN_IF_ERROR(CheckHeldSteps(steps));
  std::vector<CommitResult> results;
  for (const LeasedStep& leased : steps) {
    const bool held = FindLease(leased.lease) != nullptr;
    results.push_back(held ? CommitResult::kCommitted : CommitResult::kFenced);
    if (held) TakeStep(entries_.at(leased.lease.batch_id), leased.lease.slot, leased.step);
  }
  return results;
}

absl::StatusOr<std::vector<TaskEnd>> InMemoryBatches::ReadTasks(const std::string& batch_id,
                                                                int64_t job_index, int first_task,
                                                                int limit) {
  SLUICE_RETURN_IF_ERROR(CheckRange("limit", limit, 1, 256));
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, Find(batch_id));
  std::vector<TaskEnd> ends;
  if (job_index < 0 || !entry->IsJob(job_index)) return ends;
  int64_t bytes = 0;
  for (const int64_t slot : entry->at(job_index).tasks) {
    const Work& task = entry->at(slot);
    if (!task.ended || task.end.task < first_task) continue;
    if (std::ssize(ends) == limit || bytes >= kMostBytesRead) break;
    ends.push_back(task.end);
    bytes += std::ssize(task.end.result);
  }
  return ends;
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
    Requeue(entries_.at(lease.batch_id), lease.slot, end, reply);
  }
  return absl::OkStatus();
}

absl::StatusOr<InMemoryBatches::Entry*> InMemoryBatches::FindPlanTask(const LeaseKey& task) {
  const Work* const held = FindLease(task);
  if (held == nullptr) return Fenced();
  SLUICE_RETURN_IF_ERROR(CheckPlanTask(stages_.At(held->stage)));
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
  SLUICE_RETURN_IF_ERROR(CheckPlan(stages_, entry->batch, rejected, survivors));
  bool progress = false;
  for (const NewOutcome& outcome : rejected) {
    if (!entry->AwaitsPlan(outcome.job_index)) continue;
    Record(*entry, outcome.job_index, outcome);
    progress = true;
  }
  for (const PlannedJob& survivor : survivors) {
    if (!entry->AwaitsPlan(survivor.job_index)) continue;
    Work& job = entry->at(survivor.job_index);
    MakeReady(job, survivor.stage);
    job.priority = survivor.priority;
    changes_.ready = true;
    progress = true;
  }
  if (progress) entry->ForgetPlanDeaths();
  return absl::OkStatus();
}

absl::Status InMemoryBatches::FinishPlan(const LeaseKey& task) {
  SLUICE_ASSIGN_OR_RETURN(Entry * entry, FindPlanTask(task));
  int64_t waiting = 0;
  for (int64_t job = 0; job < entry->batch.counts.jobs; ++job) waiting += entry->AwaitsPlan(job);
  if (waiting > 0) return JobsStillWait(waiting);
  changes_.ready |= AnySuspect();
  entry->plan_task().where = Where::kDone;
  entry->batch.plan_applied = true;
  changes_.batches.insert(task.batch_id);
  return absl::OkStatus();
}

void InMemoryBatches::EndUnstarted(Entry& entry, const NewOutcome& outcome, bool keep_ready) {
  for (int64_t index = 0; index < entry.batch.counts.jobs; ++index) {
    const Where where = entry.at(index).where;
    const bool placed = where == Where::kReady || (where == Where::kWaiting && !entry.AwaitsPlan(index));
    if (entry.AwaitsPlan(index) || (placed && !keep_ready)) RecordEnded(entry, index, outcome);
  }
}

void InMemoryBatches::EndBatch(Entry& entry, OutcomeKind ending) {
  entry.ending = ending;
  changes_.ready |= AnySuspect();
  for (int64_t slot = entry.batch.counts.jobs; slot < std::ssize(entry.work); ++slot)
    entry.at(slot).where = Where::kDone;  // tasks, leased or not
  for (int64_t job = 0; job < entry.batch.counts.jobs; ++job) entry.at(job).open_tasks = 0;
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

void InMemoryBatches::Requeue(Entry& entry, int64_t slot, LeaseEnd end, SweepReply& reply) {
  Work& work = entry.at(slot);
  const StageRow& stage = stages_.At(work.stage);
  work.tries = TriesAfter(end, stage.scope, work.tries);
  changes_.ready |= work.tries.suspicion > 0;
  const std::optional<NewOutcome> given_up = GivenUp(stage, work.tries, limits_);
  work.where = Where::kDone;
  if (stage.scope == StageScope::kBatch && !entry.open()) {
    entry.batch.plan_applied |= entry.has_plan;
  } else if (entry.ending) {
    NewOutcome outcome;
    outcome.kind = *entry.ending;
    RecordEnded(entry, slot, outcome);
  } else if (!given_up) {
    work.where = Where::kReady;
    ++reply.requeued;
    changes_.ready = true;
  } else {
    ++reply.exhausted;
    if (stage.scope == StageScope::kBatch) EndUnstarted(entry, *given_up, /*keep_ready=*/true);
    if (stage.scope == StageScope::kTask) EndTask(entry, slot, *given_up);
    if (stage.scope == StageScope::kJob) RecordEnded(entry, slot, *given_up);
  }
}

bool InMemoryBatches::AnySuspect() {
  bool any = false;
  VisitWork([&](Entry&, int64_t, const Work& work) {
    any |= work.tries.suspicion > 0 && (work.where == Where::kReady || work.where == Where::kLeased);
  });
  return any;
}

void InMemoryBatches::RequeueAll(bool died) {
  int64_t leased = 0;
  VisitWork([&](Entry&, int64_t, const Work& work) { leased += work.where == Where::kLeased; });
  SweepReply reply;
  VisitWork([&](Entry& entry, int64_t slot, const Work& work) {
    if (work.where != Where::kLeased) return;
    Requeue(entry, slot, died ? EndByDeath(leased, work.outstayed) : LeaseEnd::kGivenBack, reply);
  });
  sessions_.clear();
  std::erase_if(entries_, [](const auto& item) { return item.second.batch.state == BatchState::kUploading; });
}

absl::StatusOr<SweepReply> InMemoryBatches::Sweep(absl::Duration retention, absl::Duration upload_age) {
  SweepReply reply;
  const absl::Duration now = clock_.MonotonicNow();
  RequeueWhere([&](const Work& work) { return work.run_until <= now || !Alive(work.session); },
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
  for (auto& [id, entry] : entries_) {
    if (!entry.open()) continue;
    ++stats.open_batches;
    KindStats& kind = stats.kinds[entry.batch.kind];
    for (int64_t job = 0; job < entry.batch.counts.jobs; ++job) {
      const Where where = entry.at(job).where;
      if (where != Where::kDone) ++stats.tenant_jobs[entry.batch.tenant];
      if (where == Where::kLeased) ++kind.leased_jobs;
      if (where != Where::kReady && where != Where::kWaiting) continue;
      ++kind.ready_jobs;
      if (entry.batch.plan_applied) ++kind.planned_jobs;
    }
  }
  return stats;
}

}  // namespace sluice
