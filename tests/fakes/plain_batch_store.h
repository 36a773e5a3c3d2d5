// PlainBatchStore: the part of BatchStore's protocol that workers and readers use, on maps. No uploads,
// lists, ranks, deletion or expiry: those calls answer UNIMPLEMENTED.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/base/thread_pool.h"
#include "core/store/batch_store.h"

namespace sluice {

// Thread-safe. Answers on its own thread, in the order of the calls. `clock` must outlive it.
class PlainBatchStore final : public BatchStore {
 public:
  explicit PlainBatchStore(const Clock& clock);
  ~PlainBatchStore() override;

  void SetListener(StoreListener* listener) override;
  void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) override;
  void GetBatch(std::string tenant, std::string batch_id, Done<Batch> done) override;
  void CancelBatch(std::string tenant, std::string batch_id, Done<Batch> done) override;
  void ReadOutcomes(std::string batch_id, int64_t after_sequence, int limit,
                    Done<std::vector<Outcome>> done) override;
  void ReadJobs(std::string batch_id, int64_t first_index, int limit,
                Done<std::vector<StoredJob>> done) override;
  void OpenSession(absl::Duration lease, Done<SessionId> done) override;
  void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) override;
  void CloseSession(SessionId session, DoneStatus done) override;
  void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) override;
  void CommitOutcomes(std::vector<LeasedOutcome> outcomes, Done<std::vector<CommitResult>> done) override;
  void ReturnClaims(std::vector<LeaseKey> leases, DoneStatus done) override;
  void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) override;
  void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                 DoneStatus done) override;
  void FinishPlan(LeaseKey task, DoneStatus done) override;
  void Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) override;
  void Stats(Done<StoreStats> done) override;

  void BeginUpload(NewBatch, Done<Batch> done) override;
  void AppendJobs(std::string, std::vector<NewJob>, DoneStatus done) override;
  void SealUpload(std::string, std::string, Done<Batch> done) override;
  void AbandonUpload(std::string, DoneStatus done) override;
  void ListBatches(std::string, int, std::string, Done<BatchPage> done) override;
  void DeleteBatch(std::string, std::string, DoneStatus done) override;
  void ReadRanked(std::string, int, std::string, Done<RankedPage> done) override;

 private:
  enum class Place { kWaiting, kReady, kLeased, kDone };
  struct Row {
    Place place = Place::kWaiting;
    Stage stage = Stage::kScore;
    std::string id;
    std::string payload;
    int priority = 0;
    int attempt = 0;
    Fence fence = 0;
    SessionId session = 0;
  };
  struct Stored {
    Batch batch;
    std::map<int64_t, Row> rows;  // by job index; kPlanTask too
    std::vector<Outcome> outcomes;
  };
  struct Changes {
    bool ready = false;
    std::vector<std::string> batches;
  };

  // Runs `call` on the store's thread under the lock, then answers, then tells the listener.
  template <typename Answer, typename Callback, typename Call>
  void Run(Callback done, Call call);

  Stored* Find(const std::string& batch_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Row* FindLease(const LeaseKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Record(Stored& stored, int64_t index, NewOutcome outcome, Changes& changes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  int64_t EndSession(SessionId session, bool refund, Changes& changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  Mutex mutex_;
  StoreListener* listener_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::map<std::string, Stored> batches_ ABSL_GUARDED_BY(mutex_);
  std::map<SessionId, absl::Duration> sessions_ ABSL_GUARDED_BY(mutex_);  // when their leases end
  int64_t last_number_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<ThreadPool> thread_;
};

}  // namespace sluice
