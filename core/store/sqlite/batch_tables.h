// BatchTables: the protocol of batch_store.h in SQL, call by call, inside a transaction that the caller
// holds.
//
// Not thread-safe, blocking: only the store's thread touches it. A method that fails may have written; the
// caller rolls its savepoint back. What others must hear of after the commit gathers in Changes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/clock.h"
#include "core/store/batch.h"
#include "core/store/batch_rules.h"
#include "core/store/sqlite/connection.h"
#include "core/store/sqlite/store_tables.h"

namespace sluice {

class BatchTables final : public StoreTables {
 public:
  // All must outlive it; `salt` makes this file's batch ids its own.
  BatchTables(Connection& connection, const Clock& clock, const StageTable& stages, TryLimits limits,
              int64_t salt)
      : connection_(connection), clock_(clock), stages_(stages), limits_(limits), salt_(salt) {}

  // As in batch_store.h.
  absl::StatusOr<Batch> CreateBatch(const NewBatch& batch, absl::Span<const NewJob> jobs);
  absl::StatusOr<Batch> BeginUpload(const NewBatch& batch);
  absl::Status AppendJobs(const BatchKey& upload, absl::Span<const NewJob> jobs);
  absl::StatusOr<Batch> SealUpload(const BatchKey& upload, const std::string& digest);
  absl::Status AbandonUpload(const BatchKey& upload);
  absl::StatusOr<Batch> GetBatch(const BatchKey& name);
  absl::StatusOr<BatchPage> ListBatches(const std::string& tenant, int page_size,
                                        const std::string& page_token);
  absl::StatusOr<Batch> CancelBatch(const BatchKey& name);
  absl::StatusOr<int64_t> DeleteBatch(const BatchKey& name);  // the number to purge
  absl::StatusOr<std::vector<Outcome>> ReadOutcomes(const BatchKey& name, int64_t after_sequence, int limit);
  absl::StatusOr<RankedPage> ReadRanked(const BatchKey& name, int page_size, const std::string& page_token);
  absl::StatusOr<Batch> ReadBatch(const std::string& batch_id);
  absl::StatusOr<std::vector<StoredJob>> ReadJobs(const std::string& batch_id, int64_t first_index,
                                                  int limit);
  absl::StatusOr<SessionId> OpenSession(absl::Duration lease);
  absl::StatusOr<HeartbeatReply> Heartbeat(SessionId session, absl::Duration lease);
  absl::Status CloseSession(SessionId session);
  absl::StatusOr<std::vector<Claimed>> Claim(const ClaimRequest& request);
  absl::StatusOr<std::vector<CommitResult>> CommitSteps(absl::Span<const LeasedStep> steps);
  absl::Status ReturnClaims(absl::Span<const LeaseKey> leases);
  absl::Status EndAttempts(absl::Span<const LeaseKey> leases);
  absl::StatusOr<std::string> CommitPlan(const LeaseKey& task, const std::string& plan);
  absl::Status ApplyPlan(const LeaseKey& task, absl::Span<const NewOutcome> rejected,
                         absl::Span<const PlannedJob> survivors);
  absl::Status FinishPlan(const LeaseKey& task);
  absl::StatusOr<std::vector<TaskEnd>> ReadTasks(const std::string& batch_id, int64_t job_index,
                                                 int first_task, int limit);
  absl::StatusOr<SweepReply> Sweep(absl::Duration retention, absl::Duration upload_age);
  absl::StatusOr<StoreStats> Stats();

  // At start: every session is over, so every lease is requeued. Where the process that had them died, their
  // jobs are suspects; where it ended of its own accord, they are given back.
  absl::Status RequeueAll(bool died);
  // At start: an upload ends with the process that received it.
  absl::Status DropUploads();
  absl::StatusOr<bool> AnyLease() override;
  absl::StatusOr<std::vector<int64_t>> PurgingBatches();
  // Removes some rows, up to 4 MiB, of a batch that is being purged; true when nothing of it is left.
  absl::StatusOr<bool> PurgeStep(int64_t batch) override;

  std::string BatchId(int64_t number) const override;
  Changes TakeChanges() override { return std::exchange(changes_, Changes{}); }

 private:
  struct BatchRow {
    int64_t number = 0;
    Batch batch;                        // without spec and plan
    std::optional<OutcomeKind> ending;  // what jobs that have not started get, once cancelled or expired
    std::string request_id;
    std::string digest;
    int64_t tasks = 0;            // of jobs, ever made
    int64_t loaded_sequence = 0;  // batch.last_sequence as it was loaded
    int64_t plan_task() const;    // its key
    bool open() const { return batch.state >= BatchState::kPending && !IsTerminal(batch.state); }
  };
  struct LeaseRow {
    int64_t job = 0;
    Stage stage = Stage::kPlan;
    int64_t priority = 0;
    Tries tries;
    bool outstayed = false;
  };
  struct ReadyRow {
    int64_t job = 0;
    Stage stage = Stage::kPlan;
    int64_t batch_priority = 0;
    int64_t priority = 0;
    Tries tries;
  };

  // batch_tables.cc
  absl::StatusOr<int64_t> TakeNumbers(absl::string_view counter, int64_t count);  // the first of them
  BatchRow RowOf(const Query& query) const;
  absl::StatusOr<BatchRow> LoadNumber(int64_t number);
  absl::StatusOr<BatchRow> Load(const std::string& batch_id);
  // The one place where a tenant is compared.
  absl::StatusOr<BatchRow> Load(const BatchKey& name);
  absl::StatusOr<Batch> WithTexts(BatchRow row);
  // With so many jobs, whose rows are still to come.
  absl::StatusOr<BatchRow> InsertBatch(const NewBatch& batch, BatchState state, int64_t jobs);
  absl::Status InsertJobs(int64_t number, int64_t first_index, absl::Span<const NewJob> jobs);
  absl::StatusOr<std::optional<BatchRow>> FindRequest(const std::string& tenant,
                                                      const std::string& request_id,
                                                      const std::string& digest);
  // Of a batch that is pending from here on: its request_id, and what of it is ready.
  absl::Status Seal(const BatchRow& row);
  // Writes state and counters; ends the batch when its every job is done.
  absl::Status Save(BatchRow& row);

  // uploads.cc
  absl::StatusOr<BatchRow> LoadUpload(const BatchKey& upload);
  absl::Status MarkPurging(const BatchRow& row);

  // claims.cc
  absl::Status CheckSession(SessionId session);
  static LeaseRow LeaseOf(const Query& query);  // of job, stage, priority, attempt, suspicion, outstayed
  // Whether a suspect is ready or leased.
  absl::StatusOr<bool> AnySuspect();
  // Whether a lease, or with `suspects` a suspect's, still is in its time alone.
  absl::StatusOr<bool> AnyYoungLease(bool suspects);
  absl::StatusOr<std::optional<ReadyRow>> FirstSuspect(const ClaimRequest& request);
  absl::StatusOr<std::vector<ReadyRow>> NextReady(const ClaimRequest& request);
  absl::StatusOr<std::vector<ReadyRow>> NextOrdinary(const ClaimRequest& request);
  // What is claimed first, first.
  std::tuple<bool, int64_t, int64_t, int, int64_t, int64_t> RankOf(const ReadyRow& row) const;
  absl::Status FillJob(Claimed& claim, int64_t job);
  absl::Status FillTask(Claimed& claim, int64_t task);
  absl::Status MarkOutstayed();
  absl::Status MarkRunning(absl::Span<const Claimed> claims);
  absl::Status InsertLease(const ReadyRow& row, const ClaimRequest& request, const Claimed& claim);
  absl::StatusOr<std::vector<LeaseRow>> LeasesWhere(absl::string_view condition, int64_t argument);
  absl::Status EndLeases(absl::Span<const LeaseKey> leases, LeaseEnd end);

  // outcomes.cc
  // Ends the lease, if it is held.
  absl::StatusOr<std::optional<LeaseRow>> TakeLease(const LeasedStep& leased);
  absl::Status TakeStep(BatchRow& row, const LeaseRow& lease, const Step& step);
  absl::Status Record(BatchRow& row, int64_t job, absl::string_view job_id, int attempt,
                      const NewOutcome& outcome);
  absl::StatusOr<std::string> JobId(int64_t job);

  // fan_out.cc
  absl::Status SaveArtifact(int64_t job, const std::string& artifact);
  absl::Status FanOutJob(BatchRow& row, const LeaseRow& lease, const FanOut& fan_out);
  // The last one readies the job.
  absl::Status EndTask(const BatchRow& row, const LeaseRow& lease, const NewOutcome& outcome);

  // plan.cc
  absl::StatusOr<BatchRow> LoadPlanTask(const LeaseKey& task);
  // A step of the plan is committed: that far it does not kill the process.
  absl::Status ForgetPlanDeaths(const BatchRow& row);
  // The job's id when it still waits for its plan, else nothing.
  absl::StatusOr<std::optional<std::string>> WaitingJob(int64_t job);
  absl::StatusOr<int64_t> CountWaiting(const BatchRow& row);

  // ending.cc
  // Gives every job that is neither leased nor done (nor ready, if `keep_ready`) this outcome; its index is
  // ignored.
  absl::Status EndUnstarted(BatchRow& row, const NewOutcome& outcome, bool keep_ready);
  absl::Status EndBatch(BatchRow& row, OutcomeKind ending);
  // Takes leases away: jobs go back to ready, or get the outcome that their batch or attempts call for.
  absl::Status Requeue(absl::Span<const LeaseRow> leases, LeaseEnd end, SweepReply& reply);
  absl::Status RequeuePlanTask(BatchRow& row, const LeaseRow& lease, SweepReply& reply);
  absl::Status RequeueJob(BatchRow& row, const LeaseRow& lease, SweepReply& reply);
  absl::Status RequeueTask(BatchRow& row, const LeaseRow& lease, SweepReply& reply);
  absl::Status InsertReady(const BatchRow& row, const LeaseRow& lease);

  // upkeep.cc
  absl::StatusOr<bool> PurgeRows(absl::string_view select, absl::string_view remove, int64_t batch);
  absl::Status SweepSessions(SweepReply& reply);
  absl::Status SweepExpired(SweepReply& reply);
  absl::Status SweepOld(absl::Duration retention, absl::Duration upload_age, SweepReply& reply);

  Connection& connection_;
  const Clock& clock_;
  const StageTable& stages_;
  const TryLimits limits_;
  const int64_t salt_;
  Changes changes_;
};

}  // namespace sluice
