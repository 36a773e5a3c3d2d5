// JobSource: claims work as far as there is credit, hands it to its stage, and ends every lease one way.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/pipeline/credit.h"
#include "core/pipeline/outcome_committer.h"
#include "core/pipeline/pipeline_context.h"
#include "core/pipeline/session_keeper.h"

namespace sluice {

// Plan tasks and jobs are claimed apart: plan tasks by their number, jobs by credit in tokens and their
// number. Loop thread only.
class JobSource final : public LeaseSink {
 public:
  struct Stages {
    JobStage* plan;
    JobStage* score;
    JobStage* embed;
  };

  // `context` and the stages must outlive it.
  JobSource(PipelineContext& context, Stages stages);

  // Claims under `session`, opened by a call sent at `sent`.
  void Start(SessionId session, absl::Duration sent);

  // There may be something to claim.
  void OnReady();
  // The batch is terminal. A plan task of it that does not end by itself at once is of one that was cancelled
  // or has expired: the store took its lease, of which no heartbeat tells.
  void OnBatchEnded(const std::string& batch_id);

  // Claims no more, ends early what has not reached the encoder, and calls `drained` once no lease is left
  // and the session is closed.
  void Drain(Closure drained);
  // Closes the session at once; what is still under way will be fenced.
  void CloseSession(Closure closed) { keeper_.Close(std::move(closed)); }

  // The share of what may be in memory that is, 0..1.
  double Saturation() const;

  void Finish(const LeasePtr& lease, NewOutcome outcome) override;
  void GiveBack(const LeasePtr& lease) override;
  void GiveUp(const LeasePtr& lease) override;
  void Drop(const LeasePtr& lease) override;
  void Submitted(const LeasePtr& lease, int64_t tokens) override;

 private:
  // One of the two streams of claims.
  struct Stream {
    bool claiming = false;
    bool maybe_ready = true;  // nothing says that there is nothing to claim
    int leases = 0;
  };

  void Poll();
  void ClaimMore();
  ServiceRate::Work Work() const;
  void ClaimPlans(SessionId session);
  void ClaimPlansLater();
  int YoungPlans() const;
  void ClaimJobs(SessionId session);
  void Claim(Stream& stream, ClaimRequest request);
  void OnClaimed(Stream& stream, SessionId session, absl::StatusOr<std::vector<Claimed>> claims);
  void OnClaimFailed(SessionId session, const absl::Status& status);
  void Begin(SessionId session, Claimed claim);

  void StopLeases(StopReason reason, const std::function<bool(const Lease&)>& concerns);
  void OnOutcomeEnded(const LeasePtr& lease, OutcomeKind kind, OutcomeCommitter::Ending ending);
  void Remove(const LeasePtr& lease);
  void ReleaseReserved(const LeasePtr& lease);
  void EndAttempt(const LeasePtr& lease);
  void Return(LeaseKey lease);
  void FlushReturns();
  void ReturnUnheld(const std::vector<LeaseKey>& leases);
  void PauseClaims();
  void CheckDrained();

  Stream& StreamOf(const Claimed& claim) { return claim.stage == Stage::kPlan ? plans_ : jobs_; }
  JobStage& StageOf(const Claimed& claim) const;
  int64_t CreditTokens() const;

  PipelineContext& context_;
  const Stages stages_;
  const std::vector<Stage> job_stages_;
  const std::vector<Stage> all_stages_;
  SessionKeeper keeper_;
  OutcomeCommitter committer_;
  std::map<Fence, LeasePtr> leases_;
  Stream plans_;
  bool plans_later_ = false;  // there was no room, and a look for some is due
  Stream jobs_;
  int64_t reserved_tokens_ = 0;  // of leases whose works are not with the scheduler yet
  PayloadDensity density_;
  std::vector<LeaseKey> returns_;  // to give back with the next turn of the loop
  absl::Duration pause_ = absl::ZeroDuration();
  absl::Duration paused_until_ = absl::ZeroDuration();
  std::set<Fence> unheld_;  // of the last heartbeat: the session's in the store, and unknown here
  bool draining_ = false;
  Closure drained_;
};

}  // namespace sluice
