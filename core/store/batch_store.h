// BatchStore: where batches live. Durable before acknowledged, leased with a fence, one recorded outcome a
// job.
//
// The protocol, which every engine keeps and tests/contract/batch_store_contract.h holds them to:
//  * A job of a sealed batch is in exactly one of: waiting (not yet planned), ready, leased, or done (has an
//    outcome).
//  * A screen batch starts as one ready *plan task* (job_index kPlanTask); its jobs wait until the plan makes
//    them ready or records their rejection. An embed batch's jobs are ready at once.
//  * Claim moves ready rows to leases, each with a fence that no other lease ever had, and counts the
//    attempt.
//  * Only the holder of the current fence can record an outcome; a late one is told kFenced and changes
//    nothing.
//  * An outcome, its sequence number (per batch, from 1, gap-free, in commit order) and the batch's counters
//    change in one transaction. A recorded outcome never changes. The last one makes the batch's state
//    terminal.
//  * One session a replica; a session that was not renewed in time is dead for good and its leases go back to
//    ready, or to FAILED (ATTEMPTS_EXHAUSTED) once max_attempts were counted.
//  * What was leased when the process ended of its own accord, its store failed or not, goes back to ready as
//    it was. What was leased when it died is *suspect*. Suspects go first and alone, one at
//    a time: the next death tells who it was. Dying alone twice is FAILED (QUARANTINED); a suspect that gets
//    its outcome clears itself. A death in company costs no attempt.
//  * Being alone has an end: a lease that is older than alone_for keeps nobody waiting, neither the next
//    suspect nor the others. So one suspect holds others up for at most twice that time. A suspect that
//    outstayed its time and is in flight at the next death as well counts it as one alone.
// Source: notes on River, Oban and Temporal; the fence is Temporal's RangeID check reduced to one integer a
// lease.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/store/batch.h"

namespace sluice {

// Told after a commit, on the store's own thread. Must not block and must not call the store.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  virtual void OnReady() = 0;                                // there may be something to claim
  virtual void OnOutcomes(const std::string& batch_id) = 0;  // new outcomes, a plan or another state
  // After OnOutcomes: it is terminal. Perhaps more than once.
  virtual void OnBatchEnded(const std::string& /*batch_id*/) {}
  // The store itself gave `jobs` jobs this outcome: cancelled, expired or given up.
  virtual void OnJobsEnded(JobKind /*kind*/, OutcomeKind /*outcome*/, int64_t /*jobs*/) {}
};

// Thread-safe. No call blocks: `done` is called exactly once, after the commit the answer depends on, on the
// store's own thread; it must not block. AwaitStore (core/store/await.h) waits instead, for threads that may.
//
// Every call may also fail with UNAVAILABLE (closed, or the disk failed: reason STORE_FAILED; full:
// DISK_FULL; short of memory: MEMORY_LOW) and RESOURCE_EXHAUSTED (reason STORE_BUSY: too many calls wait). A
// batch of another tenant is NOT_FOUND.
class BatchStore {
 public:
  template <typename T>
  using Done = absl::AnyInvocable<void(absl::StatusOr<T>) &&>;
  using DoneStatus = absl::AnyInvocable<void(absl::Status) &&>;

  virtual ~BatchStore() = default;

  // `listener` must outlive the store or be taken back with null. At most one.
  virtual void SetListener(StoreListener* listener) = 0;

  // --- batches ---

  // One commit for the batch and all its jobs. The same request_id and digest again answers the batch as it
  // is now. INVALID_ARGUMENT: no jobs; a duplicate job id (field "jobs[i].id"); request_id with another
  // digest (reason REQUEST_ID_REUSED).
  virtual void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) = 0;

  // An upload in parts: nothing of it can be claimed or listed before SealUpload, and SealUpload is one
  // commit. Until then it ends with the process. BeginUpload answers a sealed batch of the same request_id
  // and digest as it is; the digest may also be given to SealUpload, when it is only known then.
  virtual void BeginUpload(NewBatch batch, Done<Batch> done) = 0;
  // NOT_FOUND: no such open upload. INVALID_ARGUMENT: duplicate id; the upload is abandoned by the caller
  // then.
  virtual void AppendJobs(std::string batch_id, std::vector<NewJob> jobs, DoneStatus done) = 0;
  virtual void SealUpload(std::string batch_id, std::string digest, Done<Batch> done) = 0;
  virtual void AbandonUpload(std::string batch_id, DoneStatus done) = 0;

  // NOT_FOUND when there is none.
  virtual void GetBatch(std::string tenant, std::string batch_id, Done<Batch> done) = 0;
  // page_size 1..1000. INVALID_ARGUMENT (field "page_token"): not a token of this call.
  virtual void ListBatches(std::string tenant, int page_size, std::string page_token,
                           Done<BatchPage> done) = 0;
  // Idempotent. One commit ends every job that is not leased as CANCELLED; a terminal batch is answered as it
  // is.
  virtual void CancelBatch(std::string tenant, std::string batch_id, Done<Batch> done) = 0;
  // Removes the batch, its jobs and outcomes for good, also from free pages. FAILED_PRECONDITION unless
  // terminal.
  virtual void DeleteBatch(std::string tenant, std::string batch_id, DoneStatus done) = 0;

  // --- results ---

  // Outcomes with sequence > after_sequence in order: at most `limit` (1..256), and no more once their
  // results have kMostBytesRead. None: there are no more yet. OUT_OF_RANGE when after_sequence >
  // last_sequence.
  virtual void ReadOutcomes(std::string batch_id, int64_t after_sequence, int limit,
                            Done<std::vector<Outcome>> done) = 0;
  // By score, highest first, ties by job id; a page may end before `page_size`, by its bytes
  // (RankedPageBytes). FAILED_PRECONDITION (reason BATCH_NOT_FINISHED) unless terminal.
  virtual void ReadRanked(std::string batch_id, int page_size, std::string page_token,
                          Done<RankedPage> done) = 0;
  // Jobs with index >= first_index in order, whatever their state: at most `limit` (1..256), and no more once
  // their payloads have kMostBytesRead (core/store/batch_rules.h). None: there are no more.
  virtual void ReadJobs(std::string batch_id, int64_t first_index, int limit,
                        Done<std::vector<StoredJob>> done) = 0;

  // --- workers ---

  virtual void OpenSession(absl::Duration lease, Done<SessionId> done) = 0;
  // Renews. FAILED_PRECONDITION (reason SESSION_DEAD): drop all local work and open a new session.
  virtual void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) = 0;
  // Its leases go back to ready at once, attempts given back: for a drain.
  virtual void CloseSession(SessionId session, DoneStatus done) = 0;
  // Lowest (batch priority, batch creation, job priority, job index) first; plan tasks before jobs. May be
  // empty; see above for suspects, of which those of a stage that the worker does not serve hold nothing
  // back. FAILED_PRECONDITION (SESSION_DEAD).
  virtual void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) = 0;
  // Answers one result a lease, in order. All in one commit.
  virtual void CommitOutcomes(std::vector<LeasedOutcome> outcomes, Done<std::vector<CommitResult>> done) = 0;
  // Back to ready with the attempt given back; fenced ones are ignored.
  virtual void ReturnClaims(std::vector<LeaseKey> leases, DoneStatus done) = 0;
  // The attempts are over without an outcome, as if their time had run out: they count. Fenced ones are
  // ignored.
  virtual void EndAttempts(std::vector<LeaseKey> leases, DoneStatus done) = 0;

  // The plan task's three steps, each under its fence (ABORTED, reason FENCED, otherwise) and each
  // repeatable. CommitPlan stores `plan` unless there is one already, and answers the stored one.
  virtual void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) = 0;
  // Records outcomes and readies survivors, skipping jobs that already are past waiting.
  virtual void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                         DoneStatus done) = 0;
  // Ends the plan task. FAILED_PRECONDITION while a job still waits.
  virtual void FinishPlan(LeaseKey task, DoneStatus done) = 0;

  // --- upkeep ---

  // Ends dead sessions and overlong attempts, expires batches past expire_time, purges terminal batches older
  // than `retention` and uploads older than `upload_age`; a bounded step each call. Call every second or two.
  virtual void Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) = 0;
  virtual void Stats(Done<StoreStats> done) = 0;
  // Copies the whole store into the file `path` while calls go on; the copy holds every call that was
  // answered before it was begun. UNIMPLEMENTED: the engine's own tools do it. FAILED_PRECONDITION: one is
  // being made. ALREADY_EXISTS: there is such a file.
  virtual void Backup(std::string path, DoneStatus done);
};

}  // namespace sluice
