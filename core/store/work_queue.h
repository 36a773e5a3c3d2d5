// WorkQueue: leased work for replicas, by the protocol of batch_store.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/store/batch.h"
#include "core/store/done.h"

namespace sluice {

// Thread-safe; calls answer as batch_store.h says. Workers go by batch ids that claims gave them: no tenant
// is compared.
class WorkQueue {
 public:
  virtual ~WorkQueue() = default;

  virtual void OpenSession(absl::Duration lease, Done<SessionId> done) = 0;
  // Renews. FAILED_PRECONDITION (reason SESSION_DEAD): drop all local work and open a new session.
  virtual void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) = 0;
  // Its leases go back to ready at once, attempts given back: for a drain.
  virtual void CloseSession(SessionId session, Done<void> done) = 0;

  // Work of the named stages, which run no longer than the stage's row allows. Tasks of batches first, then
  // lowest (batch priority, batch creation, job priority, slot); within a batch stages that come later in the
  // table first, so that what was begun is finished. May be empty; see embedded_store.h for suspects, of
  // which those of a stage that the worker does not serve hold nothing back. FAILED_PRECONDITION
  // (SESSION_DEAD).
  virtual void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) = 0;
  // Ends leases by their own work. Answers one result a lease, in order. All in one commit, or none of it:
  // INVALID_ARGUMENT names the step (field "steps[i]…"). Of a batch that was cancelled or has expired, a job
  // that would go on gets that outcome instead.
  virtual void CommitSteps(std::vector<LeasedStep> steps, Done<std::vector<CommitResult>> done) = 0;
  // Back to ready with the attempt given back; fenced ones are ignored.
  virtual void ReturnClaims(std::vector<LeaseKey> leases, Done<void> done) = 0;
  // The attempts are over without an outcome, as if their time had run out: they count. Fenced ones are
  // ignored.
  virtual void EndAttempts(std::vector<LeaseKey> leases, Done<void> done) = 0;

  // The plan task's three steps, each under its fence (ABORTED, reason FENCED, otherwise) and each
  // repeatable. CommitPlan stores `plan` unless there is one already, and answers the stored one.
  virtual void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) = 0;
  // Records outcomes and readies survivors, skipping jobs that already are past waiting.
  virtual void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                         Done<void> done) = 0;
  // Ends the plan task. FAILED_PRECONDITION while a job still waits.
  virtual void FinishPlan(LeaseKey task, Done<void> done) = 0;

  // How the tasks of the job's last FanOut ended, those with number >= first_task in order, and not those
  // still under way or ended by the batch's end: at most `limit` (1..256), and no more once their results
  // have kMostBytesRead. They are kept until the job's next FanOut, or as long as the batch.
  virtual void ReadTasks(std::string batch_id, int64_t job_index, int first_task, int limit,
                         Done<std::vector<TaskEnd>> done) = 0;

  // The batch of a claim. NOT_FOUND when it was deleted meanwhile.
  virtual void ReadBatch(std::string batch_id, Done<Batch> done) = 0;
  // Jobs with index >= first_index in order, whatever their state: at most `limit` (1..256), and no more once
  // their payloads have kMostBytesRead (core/store/batch_rules.h). None: there are no more.
  virtual void ReadJobs(std::string batch_id, int64_t first_index, int limit,
                        Done<std::vector<StoredJob>> done) = 0;
};

}  // namespace sluice
