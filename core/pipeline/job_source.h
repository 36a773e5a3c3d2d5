// JobSource: claims work as far as there is credit, hands it to its stage, and ends every lease one way.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/pipeline/claim_stream.h"
#include "core/pipeline/credit.h"
#include "core/pipeline/outcome_committer.h"
#include "core/pipeline/pipeline_context.h"
#include "core/pipeline/session_keeper.h"

namespace sluice {

// Work that has a bound of its own is claimed apart (claim_stream.h): tasks of batches by their number, what
// is encoded by credit in tokens, what is not by its number, and what waits on a network by its stage's
// max_in_flight. Loop thread only.
class JobSource final : public LeaseSink {
 public:
  using Stages = std::map<Stage, std::unique_ptr<JobStage>>;

  // `context` must outlive it.
  JobSource(PipelineContext& context, Stages stages);

  // Claims under `session`, opened by a call sent at `sent`.
  void Start(SessionId session, absl::Duration sent);

  // There may be something to claim.
  void OnReady();
  // The batch is terminal. A task of it, or of its jobs, that does not end by itself at once is of one that
  // was cancelled or has expired: the store took its lease, of which no heartbeat tells.
  void OnBatchEnded(const std::string& batch_id);

  // Claims no more, ends early what has not reached the encoder, and calls `drained` once no lease is left
  // and the session is closed.
  void Drain(Closure drained);
  // Closes the session at once; what is still under way will be fenced.
  void CloseSession(Closure closed) { keeper_.Close(std::move(closed)); }

  // The share of what may be in memory that is, 0..1.
  double Saturation() const;

  void Finish(const LeasePtr& lease, Step step) override;
  void GiveBack(const LeasePtr& lease) override;
  void GiveUp(const LeasePtr& lease) override;
  void Drop(const LeasePtr& lease) override;
  void Submitted(const LeasePtr& lease, int64_t tokens) override;

 private:
  // A ClaimStream at work.
  struct Stream {
    ClaimStream what;
    bool in_rate = true;  // it claims jobs that the service rate is of
    bool claiming = false;
    bool maybe_ready = true;  // nothing says that there is nothing to claim
    int leases = 0;
  };

  void Poll();
  void ClaimMore();
  ServiceRate::Work Work() const;
  void ClaimTasks(Stream& stream, SessionId session);
  void ClaimTasksLater();
  int YoungTasks() const;
  void ClaimJobs(Stream& stream, SessionId session);
  void ClaimUpTo(int most, Stream& stream, SessionId session);
  void Claim(Stream& stream, SessionId session, int max_claims, int64_t max_payload_bytes);
  void OnClaimed(Stream& stream, SessionId session, absl::StatusOr<std::vector<Claimed>> claims);
  void OnClaimFailed(SessionId session, const absl::Status& status);
  void Begin(SessionId session, Claimed claim);

  void StopLeases(StopReason reason, const std::function<bool(const Lease&)>& concerns);
  void OnStepEnded(const LeasePtr& lease, const Step& step, OutcomeCommitter::Ending ending);
  void Remove(const LeasePtr& lease);
  void ReleaseReserved(const LeasePtr& lease);
  void EndAttempt(const LeasePtr& lease);
  void Return(LeaseKey lease);
  void FlushReturns();
  void ReturnUnheld(const std::vector<LeaseKey>& leases);
  void StopTaken(const std::vector<LeaseKey>& leases);
  void PauseClaims();
  void CheckDrained();

  Stream& StreamOf(const Claimed& claim) { return *stream_of_.at(claim.stage); }
  bool HoldsCredit(const Claimed& claim) const;
  int64_t CreditTokens() const;

  PipelineContext& context_;
  const Stages stages_;
  std::vector<Stage> served_;
  std::vector<Stream> streams_;
  std::map<Stage, Stream*> stream_of_;
  SessionKeeper keeper_;
  OutcomeCommitter committer_;
  std::map<Fence, LeasePtr> leases_;
  bool tasks_later_ = false;     // there was no room for tasks of batches, and a look for some is due
  int64_t reserved_tokens_ = 0;  // of leases whose works are not with the scheduler yet
  PayloadDensity density_;
  std::vector<LeaseKey> returns_;  // to give back with the next turn of the loop
  absl::Duration pause_ = absl::ZeroDuration();
  absl::Duration paused_until_ = absl::ZeroDuration();
  std::set<Fence> unheld_;  // of the last heartbeat: the session's in the store, and unknown here
  std::set<Fence> taken_;   // of the last heartbeat: here, and no longer the session's in the store
  bool draining_ = false;
  Closure drained_;
};

}  // namespace sluice
