// InMemoryBatches: the protocol of batch_store.h as plain code over containers; the model that engines are
// held to.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/store/batch_rules.h"
#include "core/store/batch_store.h"

namespace sluice {

struct InMemoryChanges {
  bool ready = false;
  std::set<std::string> batches;
  std::set<std::string> ended_batches;
  std::map<std::pair<JobKind, OutcomeKind>, int64_t> ended;  // jobs, by the store itself
};

// Not thread-safe. A call that fails has changed nothing.
class InMemoryBatches {
 public:
  InMemoryBatches(const Clock& clock, const StageTable& stages, TryLimits limits)
      : clock_(clock), stages_(stages), limits_(limits) {}

  absl::StatusOr<Batch> CreateBatch(const NewBatch& batch, const std::vector<NewJob>& jobs);
  absl::StatusOr<Batch> BeginUpload(const NewBatch& batch);
  absl::Status AppendJobs(const BatchKey& upload, const std::vector<NewJob>& jobs);
  absl::StatusOr<Batch> SealUpload(const BatchKey& upload, const std::string& digest);
  absl::Status AbandonUpload(const BatchKey& upload);
  absl::StatusOr<Batch> GetBatch(const BatchKey& name);
  absl::StatusOr<BatchPage> ListBatches(const std::string& tenant, int page_size,
                                        const std::string& page_token);
  absl::StatusOr<Batch> CancelBatch(const BatchKey& name);
  absl::Status DeleteBatch(const BatchKey& name);
  absl::StatusOr<std::vector<Outcome>> ReadOutcomes(const BatchKey& name, int64_t after_sequence, int limit);
  absl::StatusOr<RankedPage> ReadRanked(const BatchKey& name, int page_size, const std::string& page_token);
  absl::StatusOr<Batch> ReadBatch(const std::string& batch_id);
  absl::StatusOr<std::vector<StoredJob>> ReadJobs(const std::string& batch_id, int64_t first_index,
                                                  int limit);
  absl::StatusOr<SessionId> OpenSession(absl::Duration lease);
  absl::StatusOr<HeartbeatReply> Heartbeat(SessionId session, absl::Duration lease);
  absl::Status CloseSession(SessionId session);
  absl::StatusOr<std::vector<Claimed>> Claim(const ClaimRequest& request);
  absl::StatusOr<std::vector<CommitResult>> CommitSteps(const std::vector<LeasedStep>& steps);
  absl::Status ReturnClaims(const std::vector<LeaseKey>& leases);
  absl::Status EndAttempts(const std::vector<LeaseKey>& leases);
  absl::StatusOr<std::string> CommitPlan(const LeaseKey& task, const std::string& plan);
  absl::Status ApplyPlan(const LeaseKey& task, const std::vector<NewOutcome>& rejected,
                         const std::vector<PlannedJob>& survivors);
  absl::Status FinishPlan(const LeaseKey& task);
  absl::StatusOr<std::vector<TaskEnd>> ReadTasks(const std::string& batch_id, int64_t job_index,
                                                 int first_task, int limit);
  absl::StatusOr<SweepReply> Sweep(absl::Duration retention, absl::Duration upload_age);
  absl::StatusOr<StoreStats> Stats();
  // What opening the file of a process that is gone does.
  void RequeueAll(bool died);

  InMemoryChanges TakeChanges() { return std::exchange(changes_, InMemoryChanges{}); }

 private:
  enum class Where { kWaiting, kReady, kLeased, kDone };
  // What stands in one slot of a batch: a job, the batch's own task or a job's task, and where it is.
  struct Work {
    Where where = Where::kWaiting;
    Stage stage = Stage::kPlan;
    int priority = 0;
    Tries tries;
    SessionId session = 0;
    Fence fence = 0;
    absl::Duration run_until;
    absl::Duration alone_until;
    bool outstayed = false;
    // Of a job:
    std::string artifact;
    std::vector<int64_t> tasks;  // slots, of its last FanOut
    Stage next = Stage::kPlan;   // once the open ones have ended
    int64_t open_tasks = 0;
    // Of a job's task:
    int64_t job = -1;
    std::string payload;
    TaskEnd end;
    bool ended = false;
  };
  struct Entry {
    Batch batch;
    bool has_plan = false;
    std::optional<OutcomeKind> ending;
    std::string request_id;
    std::string digest;
    std::vector<NewJob> jobs;
    std::vector<Work> work;  // by slot: the jobs, then, once it is sealed, the batch's task, then the jobs'
    std::vector<Outcome> outcomes;
    Work& at(int64_t slot) { return work[static_cast<size_t>(slot)]; }
    bool IsJob(int64_t slot) const { return slot < batch.counts.jobs; }
    // Not for its tasks: it has not begun.
    bool AwaitsPlan(int64_t job) { return at(job).where == Where::kWaiting && at(job).open_tasks == 0; }
    Work& plan_task() { return at(batch.counts.jobs); }
    void ForgetPlanDeaths() {
      if (plan_task().tries.suspicion > 1) plan_task().tries.suspicion = 1;
    }
    bool open() const { return batch.state >= BatchState::kPending && !IsTerminal(batch.state); }
  };

  absl::StatusOr<Entry*> Find(const std::string& batch_id);
  absl::StatusOr<Entry*> Find(const BatchKey& name);  // the one place where a tenant is compared
  absl::StatusOr<Entry*> FindUpload(const BatchKey& upload);
  absl::StatusOr<Entry*> FindRequest(const Entry& entry,
                                     const std::string& digest);  // null when there is none
  absl::StatusOr<Entry*> FindPlanTask(const LeaseKey& task);
  Work* FindLease(const LeaseKey& lease);  // null when fenced
  bool Alive(SessionId session) const;
  static Entry NewEntry(const NewBatch& batch, absl::Time now);
  Entry& Insert(Entry entry);
  static absl::Status AddJobs(Entry& entry, const std::vector<NewJob>& jobs);
  Batch Seal(Entry& entry);
  void Erase(Entry& entry);
  StageScope ScopeOf(const Work& work) const { return stages_.At(work.stage).scope; }
  void FillClaim(const Entry& entry, const Work& work, Claimed& claim) const;
  // As CheckStepOf, and whether the batch has room, of all the steps together. One whose lease is not held,
  // or that an earlier one ends, is not looked at.
  absl::Status CheckHeldSteps(const std::vector<LeasedStep>& steps);
  void TakeStep(Entry& entry, int64_t slot, const Step& step);
  void FanOutJob(Entry& entry, int64_t slot, const FanOut& fan_out);
  void EndTask(Entry& entry, int64_t slot, const NewOutcome& outcome);
  static void MakeReady(Work& work, Stage stage);
  void Record(Entry& entry, int64_t index, NewOutcome outcome);
  void EndUnstarted(Entry& entry, const NewOutcome& outcome, bool keep_ready);
  void EndBatch(Entry& entry, OutcomeKind ending);
  void RecordEnded(Entry& entry, int64_t index, const NewOutcome& outcome);  // by the store itself
  template <typename Visit>
  void VisitWork(Visit visit);  // visit(entry, slot, work)
  // Whether a suspect is ready or leased.
  bool AnySuspect();
  // Not a batch's own task, the batch's priority and id, how far from its stages' end, priority, slot.
  using Rank = std::tuple<bool, int, std::string, int, int, int64_t>;
  std::vector<Rank> Claimable(const ClaimRequest& request);
  void MarkOutstayed();
  absl::Status EndLeases(const std::vector<LeaseKey>& leases, LeaseEnd end);
  void Requeue(Entry& entry, int64_t index, LeaseEnd end, SweepReply& reply);
  template <typename Predicate>
  void RequeueWhere(Predicate predicate, LeaseEnd end, SweepReply& reply);

  const Clock& clock_;
  const StageTable& stages_;
  const TryLimits limits_;
  int64_t last_number_ = 0;
  SessionId last_session_ = 0;
  Fence last_fence_ = 0;
  std::map<std::string, Entry> entries_;  // by id, which sorts by creation
  std::map<SessionId, absl::Duration> sessions_;
  InMemoryChanges changes_;
};

}  // namespace sluice
