#include "tests/simulation/recording_store.h"

#include <variant>

#include "tests/simulation/oracle.h"

namespace sluice {
namespace {

// Notes a good answer before it goes on.
template <typename T, typename Note>
Done<T> Noting(Done<T> done, Note note) {
  return [done = std::move(done), note = std::move(note)](absl::StatusOr<T> answer) mutable {
    if (answer.ok()) note(*answer);
    std::move(done)(std::move(answer));
  };
}
template <typename Note>
Done<void> NotingStatus(Done<void> done, Note note) {
  return [done = std::move(done), note = std::move(note)](absl::Status answer) mutable {
    if (answer.ok()) note();
    std::move(done)(std::move(answer));
  };
}

}  // namespace

int64_t RecordingStore::NowUs(absl::Duration ahead) const {
  return absl::ToInt64Microseconds(world_.clock.MonotonicNow() + ahead);
}

void RecordingStore::RecordAcknowledged(const Batch& batch, const std::string& request_id,
                                        const std::string& digest) {
  Record(history::Acknowledged{batch.id, batch.tenant, SteppedStages().Find(batch.kind)->name,
                               batch.counts.jobs, request_id, digest});
  world_.standings.try_emplace(batch.id, Standing{batch.tenant, batch.counts.jobs, 0});
}

void RecordingStore::CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) {
  auto content = std::make_shared<Content>(Content{batch, jobs});
  Base::CreateBatch(std::move(batch), std::move(jobs),
                    Noting<Batch>(std::move(done), [this, content](const Batch& made) {
                      RecordAcknowledged(made, content->batch.request_id, content->batch.digest);
                      if (!world_.contents.try_emplace(made.id, *content).second) {
                        world_.faults.Reached(Landmark::kRepeatedRequest);
                      }
                    }));
}

void RecordingStore::BeginUpload(NewBatch batch, Done<Batch> done) {
  auto content = std::make_shared<Content>(Content{batch, {}});
  Base::BeginUpload(std::move(batch), Noting<Batch>(std::move(done), [this, content](const Batch& made) {
                      world_.contents.try_emplace(made.id, *content);
                    }));
}

void RecordingStore::AppendJobs(BatchKey upload, std::vector<NewJob> jobs, Done<void> done) {
  auto copy = std::make_shared<std::vector<NewJob>>(jobs);
  Base::AppendJobs(upload, std::move(jobs), NotingStatus(std::move(done), [this, id = upload.id, copy] {
                     std::vector<NewJob>& all = world_.contents[id].jobs;
                     all.insert(all.end(), copy->begin(), copy->end());
                   }));
}

void RecordingStore::SealUpload(BatchKey upload, std::string digest, Done<Batch> done) {
  Base::SealUpload(upload, digest,
                   Noting<Batch>(std::move(done), [this, id = upload.id, digest](const Batch& sealed) {
                     RecordAcknowledged(sealed, world_.contents[id].batch.request_id, digest);
                     world_.faults.Reached(Landmark::kSealedUpload);
                   }));
}

void RecordingStore::GetBatch(BatchKey name, Done<Batch> done) {
  auto note = [this, id = name.id, done = std::move(done)](absl::StatusOr<Batch> answer) mutable {
    if (absl::IsNotFound(answer.status())) {
      Record(history::Missing{id});
      world_.standings.erase(id);  // deleted with the answer lost, or the checker will say so
    }
    if (answer.ok() && answer->state != BatchState::kUploading) {
      const BatchCounts& counts = answer->counts;
      const auto standing = world_.standings.find(id);
      if (standing != world_.standings.end()) standing->second.done = counts.done();
      Record(history::BatchSeen{id, IsTerminal(answer->state), counts.jobs, counts.succeeded, counts.failed,
                                counts.cancelled, counts.expired, answer->last_sequence, answer->plan});
    }
    std::move(done)(std::move(answer));
  };
  Base::GetBatch(std::move(name), std::move(note));
}

void RecordingStore::CancelBatch(BatchKey name, Done<Batch> done) {
  Base::CancelBatch(name, Noting<Batch>(std::move(done), [this, id = name.id](const Batch& batch) {
                      // One that had finished stays as it was, and its plan task may still have to end.
                      const bool changed = !IsTerminal(batch.state) || batch.counts.cancelled > 0;
                      if (changed) Record(history::Cancelled{id});
                    }));
}

void RecordingStore::DeleteBatch(BatchKey name, Done<void> done) {
  const std::string id = name.id;
  Record(history::DeleteAsked{id});
  Base::DeleteBatch(std::move(name), [this, id, done = std::move(done)](absl::Status answer) mutable {
    const bool refused = absl::IsFailedPrecondition(answer) || absl::IsNotFound(answer);
    if (refused) Record(history::DeleteRefused{id});
    if (answer.ok()) {
      Record(history::Deleted{id});
      world_.standings.erase(id);
      world_.faults.Reached(Landmark::kDeleted);
    }
    std::move(done)(std::move(answer));
  });
}

void RecordingStore::ReadOutcomes(BatchKey name, int64_t after, int limit, Done<std::vector<Outcome>> done) {
  Base::ReadOutcomes(
      name, after, limit,
      Noting<std::vector<Outcome>>(std::move(done), [this, id = name.id](const auto& outcomes) {
        for (const Outcome& outcome : outcomes) {
          Record(history::OutcomeSeen{id, outcome.sequence, outcome.job_index, OutcomeKindName(outcome.kind),
                                      outcome.attempt, outcome.error_reason, outcome.result});
          if (outcome.kind == OutcomeKind::kExpired) world_.faults.Reached(Landmark::kExpiredJobs);
          if (outcome.error_reason == "INTERNAL") world_.faults.Reached(Landmark::kPoisonedJob);
        }
      }));
}

void RecordingStore::OpenSession(absl::Duration lease, Done<SessionId> done) {
  Base::OpenSession(lease, Noting<SessionId>(std::move(done), [this, lease](SessionId session) {
                      Record(history::SessionOpened{session, NowUs(lease)});
                    }));
}

void RecordingStore::Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) {
  auto note = [this, session, lease, done = std::move(done)](absl::StatusOr<HeartbeatReply> answer) mutable {
    if (answer.ok()) Record(history::SessionRenewed{session, NowUs(), NowUs(lease)});
    if (absl::IsFailedPrecondition(answer.status())) world_.faults.Reached(Landmark::kDeadSession);
    std::move(done)(std::move(answer));
  };
  Base::Heartbeat(session, lease, std::move(note));
}

void RecordingStore::CloseSession(SessionId session, Done<void> done) {
  Base::CloseSession(
      session, NotingStatus(std::move(done), [this, session] { Record(history::SessionClosed{session}); }));
}

void RecordingStore::NoteRepeated(const Claimed& claim) {
  if (world_.begun.emplace(claim.batch_id, claim.slot, claim.stage).second) return;
  if (claim.stage == kSplit) world_.faults.Reached(Landmark::kRepeatedSplit);
  if (claim.stage == kPart) world_.faults.Reached(Landmark::kRepeatedTask);
  if (claim.stage == kJoin) world_.faults.Reached(Landmark::kRepeatedJoin);
}

void RecordingStore::Claim(ClaimRequest request, Done<std::vector<Claimed>> done) {
  const SessionId session = request.session;
  Base::Claim(
      std::move(request), Noting<std::vector<Claimed>>(std::move(done), [this, session](const auto& claims) {
        for (const Claimed& claim : claims) {
          Record(history::Claimed{claim.batch_id, claim.slot, SteppedStages().At(claim.stage).name, session,
                                  claim.fence, claim.attempt, NowUs()});
          NoteRepeated(claim);
          const bool repeated = claim.stage == Stage::kPlan && world_.planned.contains(claim.batch_id);
          if (repeated) world_.faults.Reached(Landmark::kRepeatedPlan);
        }
      }));
}

void RecordingStore::CommitSteps(std::vector<LeasedStep> steps, Done<std::vector<CommitResult>> done) {
  auto asked = std::make_shared<const std::vector<LeasedStep>>(steps);
  Base::CommitSteps(std::move(steps),
                    Noting<std::vector<CommitResult>>(std::move(done), [this, asked](const auto& results) {
                      for (size_t i = 0; i < results.size(); ++i) NoteStep((*asked)[i], results[i]);
                    }));
}

void RecordingStore::NoteStep(const LeasedStep& leased, CommitResult result) {
  const auto* const outcome = std::get_if<NewOutcome>(&leased.step);
  if (result == CommitResult::kFenced) {
    return world_.faults.Reached(outcome != nullptr ? Landmark::kFencedOutcome : Landmark::kFencedStep);
  }
  const LeaseKey& lease = leased.lease;
  const auto content = world_.contents.find(lease.batch_id);
  const bool of_job = content == world_.contents.end() || lease.slot < std::ssize(content->second.jobs);
  if (outcome != nullptr && of_job) {
    return Record(history::Recorded{lease.batch_id, lease.slot, lease.fence, OutcomeKindName(outcome->kind)});
  }
  const bool advanced = std::holds_alternative<Advance>(leased.step);
  Record(history::Stepped{lease.batch_id, lease.slot, lease.fence,
                          outcome != nullptr ? "task" : (advanced ? "advance" : "fan_out")});
  if (outcome == nullptr) world_.faults.Reached(advanced ? Landmark::kAdvancedJob : Landmark::kFannedOutJob);
}

Done<void> RecordingStore::NotingReturned(const std::vector<LeaseKey>& leases, Done<void> done) {
  return NotingStatus(std::move(done), [this, leases] {
    for (const LeaseKey& lease : leases) {
      Record(history::Returned{lease.batch_id, lease.slot, lease.fence});
    }
  });
}

void RecordingStore::ReturnClaims(std::vector<LeaseKey> leases, Done<void> done) {
  Done<void> noting = NotingReturned(leases, std::move(done));
  Base::ReturnClaims(std::move(leases), std::move(noting));
}

void RecordingStore::EndAttempts(std::vector<LeaseKey> leases, Done<void> done) {
  Done<void> noting = NotingReturned(leases, std::move(done));
  Base::EndAttempts(std::move(leases), std::move(noting));
}

void RecordingStore::CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) {
  Base::CommitPlan(
      task, std::move(plan),
      Noting<std::string>(std::move(done), [this, id = task.batch_id](const std::string& stored) {
        Record(history::PlanCommitted{id, stored});
        world_.planned.insert(id);
        const auto content = world_.contents.find(id);
        if (content == world_.contents.end()) return;  // committed, never acknowledged
        Record(history::Survivors{id, SurvivorsOfPlan(world_.codec, content->second, stored)});
      }));
}

void RecordingStore::Sweep(absl::Duration retention, absl::Duration age, Done<SweepReply> done) {
  Base::Sweep(retention, age, Noting<SweepReply>(std::move(done), [this](const SweepReply& reply) {
                if (reply.exhausted > 0) world_.faults.Reached(Landmark::kExhaustedJob);
                if (reply.abandoned_uploads > 0) world_.faults.Reached(Landmark::kAbandonedUpload);
                if (reply.dead_sessions > 0) world_.faults.Reached(Landmark::kDeadSession);
              }));
}

}  // namespace sluice
