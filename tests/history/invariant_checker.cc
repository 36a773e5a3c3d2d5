#include "tests/history/invariant_checker.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice::history {
namespace {

constexpr const char* kScoreStage = "screen_score";
constexpr const char* kSucceeded = "SUCCEEDED";

bool Same(const OutcomeSeen& a, const OutcomeSeen& b) {
  return a.sequence == b.sequence && a.job == b.job && a.kind == b.kind && a.attempt == b.attempt &&
         a.reason == b.reason && a.result == b.result;
}

std::string Text(const OutcomeSeen& outcome) {
  return absl::StrCat("#", outcome.sequence, " ", outcome.kind, " of attempt ", outcome.attempt, " '",
                      outcome.result, "' ", outcome.reason);
}

std::map<std::string, int64_t> CountsOf(const BatchSeen& batch) {
  std::map<std::string, int64_t> counts;
  if (batch.succeeded != 0) counts["SUCCEEDED"] = batch.succeeded;
  if (batch.failed != 0) counts["FAILED"] = batch.failed;
  if (batch.cancelled != 0) counts["CANCELLED"] = batch.cancelled;
  if (batch.expired != 0) counts["EXPIRED"] = batch.expired;
  return counts;
}

int64_t DoneOf(const BatchSeen& batch) {
  return batch.succeeded + batch.failed + batch.cancelled + batch.expired;
}

std::string Text(const std::map<std::string, int64_t>& counts) {
  return absl::StrJoin(counts, ",", absl::PairFormatter("="));
}

}  // namespace

template <typename... Parts>
void InvariantChecker::Violate(const char* invariant, const Parts&... parts) {
  violations_.push_back({invariant, events_, absl::StrCat(parts...)});
}

void InvariantChecker::Observe(const Event& event) {
  ++events_;
  std::visit([this](const auto& e) { On(e); }, event);
}

// --- clients

void InvariantChecker::On(const Acknowledged& batch) {
  CheckRequest(batch);
  BatchKnown& known = batches_[batch.batch];
  if (known.deleted) Violate("I6", "batch ", batch.batch, " was deleted and is acknowledged again");
  if (known.acknowledged.has_value()) return;  // the same request again
  known.acknowledged = batch;
  CheckQuota(batch.tenant);
}

void InvariantChecker::CheckRequest(const Acknowledged& batch) {
  if (batch.request_id.empty()) return;
  const auto [found, fresh] =
      requests_.try_emplace({batch.tenant, batch.request_id}, batch.batch, batch.digest);
  if (fresh) return;
  const auto& [earlier, digest] = found->second;
  if (batches_[earlier].MayBeGone()) {
    found->second = {batch.batch, batch.digest};
  } else if (earlier != batch.batch) {
    Violate("I6", "request ", batch.request_id, " made batch ", earlier, " and batch ", batch.batch);
  } else if (digest != batch.digest) {
    Violate("I6", "request ", batch.request_id, " was accepted with two contents");
  }
}

void InvariantChecker::CheckQuota(const std::string& tenant) {
  if (limits_.tenant_jobs == 0) return;
  int64_t unfinished = 0;
  for (const auto& [id, batch] : batches_) {
    if (!batch.acknowledged.has_value() || batch.MayBeGone() || batch.acknowledged->tenant != tenant)
      continue;
    const int64_t counted = batch.seen.has_value() ? DoneOf(*batch.seen) : 0;
    unfinished += batch.acknowledged->jobs - std::max(counted, batch.last_sequence);
  }
  if (unfinished <= limits_.tenant_jobs) return;
  Violate("I9", "tenant '", tenant, "' has ", unfinished, " unfinished jobs, ", limits_.tenant_jobs,
          " are allowed");
}

void InvariantChecker::On(const Deleted& deleted) {
  batches_[deleted.batch].deleted = true;
}

void InvariantChecker::On(const Missing& missing) {
  const BatchKnown& batch = batches_[missing.batch];
  if (!batch.acknowledged.has_value() || batch.MayBeGone()) return;
  Violate("I1", "batch ", missing.batch, " was acknowledged and is gone");
}

void InvariantChecker::On(const BatchSeen& batch) {
  BatchKnown& known = batches_[batch.batch];
  if (known.deleted) Violate("I1", "batch ", batch.batch, " was deleted and is back");
  CheckShape(batch);
  if (known.acknowledged.has_value() && known.acknowledged->jobs != batch.jobs) {
    Violate("I1", "batch ", batch.batch, " was acknowledged with ", known.acknowledged->jobs,
            " jobs and has ", batch.jobs);
  }
  if (batch.last_sequence < known.last_sequence) {
    Violate("I3", "batch ", batch.batch, " counts ", batch.last_sequence, " outcomes after #",
            known.last_sequence, " was read");
  } else if (batch.last_sequence == known.last_sequence && CountsOf(batch) != known.kinds) {
    Violate("I3", "batch ", batch.batch, " counts ", Text(CountsOf(batch)), ", its outcomes are ",
            Text(known.kinds));
  }
  if (known.seen.has_value()) {
    const BatchSeen& before = *known.seen;
    const bool shrunk = batch.succeeded < before.succeeded || batch.failed < before.failed ||
                        batch.cancelled < before.cancelled || batch.expired < before.expired;
    if (shrunk) {
      Violate("I3", "batch ", batch.batch, " counted ", Text(CountsOf(before)), " and now ",
              Text(CountsOf(batch)));
    }
    if (before.terminal && !batch.terminal)
      Violate("I3", "batch ", batch.batch, " was finished and runs again");
  }
  CheckPlan(batch.batch, known, batch.plan);
  known.seen = batch;
  known.settled_seen = settled_;
}

void InvariantChecker::CheckShape(const BatchSeen& batch) {
  if (DoneOf(batch) != batch.last_sequence) {
    Violate("I3", "batch ", batch.batch, " counts ", Text(CountsOf(batch)), " at sequence ",
            batch.last_sequence);
  }
  if (batch.terminal != (DoneOf(batch) == batch.jobs)) {
    Violate("I3", "batch ", batch.batch, " has ", DoneOf(batch), " of ", batch.jobs, " jobs done and is ",
            batch.terminal ? "" : "not ", "terminal");
  }
}

void InvariantChecker::On(const OutcomeSeen& outcome) {
  BatchKnown& batch = batches_[outcome.batch];
  JobKnown& job = batch.jobs[outcome.job];
  const std::string name = absl::StrCat("job ", outcome.job, " of ", outcome.batch);
  if (job.outcome.has_value()) {
    if (Same(*job.outcome, outcome)) return;
    return Violate("I2", name, " had ", Text(*job.outcome), " and now has ", Text(outcome));
  }
  if (outcome.sequence != batch.last_sequence + 1) {
    Violate("I12", name, " appears as ", Text(outcome), " after #", batch.last_sequence);
  }
  if (outcome.attempt > limits_.max_attempts) Violate("I5", name, " has ", Text(outcome));
  if (job.recorded_attempt != 0 && outcome.attempt != job.recorded_attempt) {
    Violate("I5", name, " was recorded by attempt ", job.recorded_attempt, " and has ", Text(outcome));
  }
  job.outcome = outcome;
  batch.last_sequence = std::max(batch.last_sequence, outcome.sequence);
  ++batch.kinds[outcome.kind];
  if (batch.seen.has_value() && batch.seen->last_sequence == outcome.sequence &&
      CountsOf(*batch.seen) != batch.kinds) {
    Violate("I3", "batch ", outcome.batch, " counted ", Text(CountsOf(*batch.seen)), ", its outcomes are ",
            Text(batch.kinds));
  }
  CheckSurvivor(outcome.batch, batch, outcome.job);
}

// --- workers

void InvariantChecker::CheckSession(int64_t session, int64_t at_us, const std::string& act) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return;
  if (found->second.closed) return Violate("I14", "session ", session, " was closed and ", act);
  if (at_us < found->second.until_us) return;
  Violate("I14", "session ", session, " ended at ", found->second.until_us, " us and ", act, " at ", at_us,
          " us");
}

void InvariantChecker::On(const SessionRenewed& renewed) {
  CheckSession(renewed.session, renewed.at_us, "was renewed");
  sessions_[renewed.session].until_us = renewed.until_us;
}

void InvariantChecker::On(const SessionClosed& closed) {
  sessions_[closed.session].closed = true;
  for (const auto& [batch, job] : session_claims_[closed.session]) {
    JobKnown& known = batches_[batch].jobs[job];
    if (fences_[known.fence].session == closed.session) known.lease_ended = true;
  }
}

void InvariantChecker::On(const Claimed& claim) {
  CheckSession(claim.session, claim.at_us, "claimed");
  BatchKnown& batch = batches_[claim.batch];
  JobKnown& job = batch.jobs[claim.job];
  const std::string name = absl::StrCat("job ", claim.job, " of ", claim.batch);
  const auto [fence, fresh] =
      fences_.try_emplace(claim.fence, FenceKnown{claim.session, claim.attempt, name});
  if (!fresh) Violate("I8", "fence ", claim.fence, " of ", fence->second.job, " was given to ", name);
  if (batch.cancelled) Violate("I7", name, " starts after its batch was cancelled");
  if (claim.attempt > limits_.max_attempts) {
    Violate("I5", name, " is attempt ", claim.attempt, ", ", limits_.max_attempts, " are allowed");
  }
  if (job.outcome.has_value()) Violate("I2", name, " starts after it got ", Text(*job.outcome));
  job.fence = std::max(job.fence, claim.fence);
  job.lease_ended = false;
  job.scored |= claim.stage == kScoreStage;
  session_claims_[claim.session].emplace(claim.batch, claim.job);
  CheckSurvivor(claim.batch, batch, claim.job);
}

void InvariantChecker::On(const Returned& returned) {
  JobKnown& job = batches_[returned.batch].jobs[returned.job];
  if (job.fence == returned.fence) job.lease_ended = true;
}

void InvariantChecker::CheckFence(const JobKnown& job, const std::string& name, int64_t fence,
                                  const std::string& act) {
  if (fence < job.fence) {
    Violate("I4", name, " ", act, " under fence ", fence, ", it was claimed again under ", job.fence);
  } else if (fence == job.fence && job.lease_ended) {
    Violate("I4", name, " ", act, " under fence ", fence, ", which had been given back");
  }
}

void InvariantChecker::On(const Stepped& step) {
  JobKnown& job = batches_[step.batch].jobs[step.job];
  const std::string name = absl::StrCat("job ", step.job, " of ", step.batch);
  CheckFence(job, name, step.fence, absl::StrCat("took the step ", step.step));
  if (job.outcome.has_value()) Violate("I2", name, " goes on after it got ", Text(*job.outcome));
  if (job.fence == step.fence) job.lease_ended = true;
}

void InvariantChecker::On(const Recorded& recorded) {
  JobKnown& job = batches_[recorded.batch].jobs[recorded.job];
  const std::string name = absl::StrCat("job ", recorded.job, " of ", recorded.batch);
  CheckFence(job, name, recorded.fence, "was recorded");
  if (job.recorded_fence != 0) {
    Violate("I2", name, " was recorded under fence ", job.recorded_fence, " and under ", recorded.fence);
  }
  job.recorded_fence = recorded.fence;
  const auto claim = fences_.find(recorded.fence);
  job.recorded_attempt = claim == fences_.end() ? 0 : claim->second.attempt;
  if (!job.outcome.has_value()) return;
  if (job.outcome->kind != recorded.kind) {
    Violate("I2", name, " was recorded as ", recorded.kind, " and has ", Text(*job.outcome));
  }
  if (job.recorded_attempt != 0 && job.outcome->attempt != job.recorded_attempt) {
    Violate("I5", name, " was recorded by attempt ", job.recorded_attempt, " and has ", Text(*job.outcome));
  }
}

void InvariantChecker::On(const PlanCommitted& plan) {
  CheckPlan(plan.batch, batches_[plan.batch], plan.plan);
}

void InvariantChecker::CheckPlan(const std::string& batch, BatchKnown& known, const std::string& plan) {
  if (known.plan.empty()) known.plan = plan;
  if (plan.empty() || plan == known.plan) return;
  Violate("I11", "batch ", batch, " had the plan '", known.plan, "' and has '", plan, "'");
}

// --- the observer's knowledge

void InvariantChecker::On(const Survivors& survivors) {
  BatchKnown& batch = batches_[survivors.batch];
  batch.survivors.emplace(survivors.jobs.begin(), survivors.jobs.end());
  for (const auto& [index, job] : batch.jobs) CheckSurvivor(survivors.batch, batch, index);
}

void InvariantChecker::CheckSurvivor(const std::string& id, const BatchKnown& batch, int64_t index) {
  if (!batch.survivors.has_value()) return;
  const JobKnown& job = batch.jobs.at(index);
  const bool survives = batch.survivors->count(index) > 0;
  const bool encoded = job.scored || (job.outcome.has_value() && job.outcome->attempt > 0);
  if (!survives && encoded) Violate("I13", "job ", index, " of ", id, " went on, its plan does not let it");
  const bool judged = job.outcome.has_value() && job.outcome->kind == kSucceeded && job.outcome->attempt == 0;
  if (survives && judged)
    Violate("I13", "job ", index, " of ", id, " was judged by its plan, which lets it go on");
}

void InvariantChecker::On(const Places& places) {
  const int64_t sum = places.waiting_or_ready + places.leased + places.done;
  const bool negative = places.waiting_or_ready < 0 || places.leased < 0 || places.done < 0;
  if (sum == places.jobs && !negative) return;
  Violate("I10", places.waiting_or_ready, " waiting or ready, ", places.leased, " leased and ", places.done,
          " done do not make the ", places.jobs, " jobs of ",
          places.batch.empty() ? "all open batches" : places.batch);
}

void InvariantChecker::On(const Restarted& restarted) {
  const int64_t most = restarted.suspects + (restarted.died ? restarted.leased : 0);
  if (restarted.suspects_after <= most) return;
  Violate("I16", "the process ", restarted.died ? "died" : "ended of its own accord", " with ",
          restarted.leased, " leases and ", restarted.suspects, " suspects, and its store was opened with ",
          restarted.suspects_after, " suspects");
}

// --- the end

void InvariantChecker::Finish() {
  ++events_;
  if (!settled_) return;
  for (const auto& [id, batch] : batches_) {
    if (batch.acknowledged.has_value() && !batch.MayBeGone()) CheckFinished(id, batch);
  }
}

void InvariantChecker::CheckFinished(const std::string& id, const BatchKnown& batch) {
  if (!batch.settled_seen) return Violate("I1", "batch ", id, " was acknowledged and not seen at the end");
  const int64_t jobs = batch.acknowledged->jobs;
  if (!batch.seen->terminal) {
    Violate("I1", "batch ", id, " was acknowledged and never ended: ", DoneOf(*batch.seen), " of ", jobs,
            " jobs are done");
  }
  if (batch.last_sequence != batch.seen->last_sequence) {
    Violate("I12", "batch ", id, " counts ", batch.seen->last_sequence, " outcomes, #", batch.last_sequence,
            " is the last that can be read");
  }
}

std::vector<Violation> Check(absl::Span<const Event> history) {
  InvariantChecker checker;
  for (const Event& event : history) checker.Observe(event);
  checker.Finish();
  return checker.violations();
}

std::string Describe(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations) {
    absl::StrAppend(&text, violation.invariant, " at event ", violation.event, ": ", violation.what, "\n");
  }
  return text;
}

}  // namespace sluice::history
