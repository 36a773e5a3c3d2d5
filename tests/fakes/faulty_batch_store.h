// FaultyBatchStore: a BatchStore with one fault at a chosen call, for sweeps over n = 1, 2, 3, …
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/error_details.h"
#include "core/base/mutex.h"
#include "core/store/batch_store.h"

namespace sluice {

enum class StoreFault {
  kRefuse,      // the call fails with UNAVAILABLE and does nothing
  kLoseAnswer,  // the call does its work, but is answered UNAVAILABLE
  kBusy,        // the call fails with RESOURCE_EXHAUSTED (STORE_BUSY) and does nothing
};

// Thread-safe. `store` must outlive it. Calls are counted from Arm on; the set-up of a test is not.
class FaultyBatchStore final : public BatchStore {
 public:
  explicit FaultyBatchStore(BatchStore& store) : store_(store) {}

  // The n-th call from now on (1 for the next one) has `fault`; only calls of `method` count unless it is "".
  void Arm(StoreFault fault, int nth_call, std::string method = "") {
    MutexLock lock(mutex_);
    method_ = std::move(method);
    fault_ = fault;
    calls_left_ = nth_call;
    fired_ = "";
  }
  // Which method the fault hit, "" before.
  std::string fired() const {
    MutexLock lock(mutex_);
    return fired_;
  }

  void SetListener(StoreListener* listener) override { store_.SetListener(listener); }

  void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) override {
    Call("CreateBatch", std::move(done),
         [&](auto d) { store_.CreateBatch(std::move(batch), std::move(jobs), std::move(d)); });
  }
  void BeginUpload(NewBatch batch, Done<Batch> done) override {
    Call("BeginUpload", std::move(done), [&](auto d) { store_.BeginUpload(std::move(batch), std::move(d)); });
  }
  void AppendJobs(std::string id, std::vector<NewJob> jobs, DoneStatus done) override {
    Call("AppendJobs", std::move(done),
         [&](auto d) { store_.AppendJobs(id, std::move(jobs), std::move(d)); });
  }
  void SealUpload(std::string id, std::string digest, Done<Batch> done) override {
    Call("SealUpload", std::move(done), [&](auto d) { store_.SealUpload(id, digest, std::move(d)); });
  }
  void AbandonUpload(std::string id, DoneStatus done) override {
    Call("AbandonUpload", std::move(done), [&](auto d) { store_.AbandonUpload(id, std::move(d)); });
  }
  void GetBatch(std::string tenant, std::string id, Done<Batch> done) override {
    Call("GetBatch", std::move(done), [&](auto d) { store_.GetBatch(tenant, id, std::move(d)); });
  }
  void ListBatches(std::string tenant, int size, std::string token, Done<BatchPage> done) override {
    Call("ListBatches", std::move(done),
         [&](auto d) { store_.ListBatches(tenant, size, token, std::move(d)); });
  }
  void CancelBatch(std::string tenant, std::string id, Done<Batch> done) override {
    Call("CancelBatch", std::move(done), [&](auto d) { store_.CancelBatch(tenant, id, std::move(d)); });
  }
  void DeleteBatch(std::string tenant, std::string id, DoneStatus done) override {
    Call("DeleteBatch", std::move(done), [&](auto d) { store_.DeleteBatch(tenant, id, std::move(d)); });
  }
  void ReadOutcomes(std::string id, int64_t after, int limit, Done<std::vector<Outcome>> done) override {
    Call("ReadOutcomes", std::move(done),
         [&](auto d) { store_.ReadOutcomes(id, after, limit, std::move(d)); });
  }
  void ReadRanked(std::string id, int size, std::string token, Done<RankedPage> done) override {
    Call("ReadRanked", std::move(done), [&](auto d) { store_.ReadRanked(id, size, token, std::move(d)); });
  }
  void ReadJobs(std::string id, int64_t first, int limit, Done<std::vector<StoredJob>> done) override {
    Call("ReadJobs", std::move(done), [&](auto d) { store_.ReadJobs(id, first, limit, std::move(d)); });
  }
  void OpenSession(absl::Duration lease, Done<SessionId> done) override {
    Call("OpenSession", std::move(done), [&](auto d) { store_.OpenSession(lease, std::move(d)); });
  }
  void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) override {
    Call("Heartbeat", std::move(done), [&](auto d) { store_.Heartbeat(session, lease, std::move(d)); });
  }
  void CloseSession(SessionId session, DoneStatus done) override {
    Call("CloseSession", std::move(done), [&](auto d) { store_.CloseSession(session, std::move(d)); });
  }
  void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) override {
    Call("Claim", std::move(done), [&](auto d) { store_.Claim(std::move(request), std::move(d)); });
  }
  void CommitOutcomes(std::vector<LeasedOutcome> outcomes, Done<std::vector<CommitResult>> done) override {
    Call("CommitOutcomes", std::move(done),
         [&](auto d) { store_.CommitOutcomes(std::move(outcomes), std::move(d)); });
  }
  void ReturnClaims(std::vector<LeaseKey> leases, DoneStatus done) override {
    Call("ReturnClaims", std::move(done),
         [&](auto d) { store_.ReturnClaims(std::move(leases), std::move(d)); });
  }
  void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) override {
    Call("CommitPlan", std::move(done),
         [&](auto d) { store_.CommitPlan(task, std::move(plan), std::move(d)); });
  }
  void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                 DoneStatus done) override {
    Call("ApplyPlan", std::move(done),
         [&](auto d) { store_.ApplyPlan(task, std::move(rejected), std::move(survivors), std::move(d)); });
  }
  void FinishPlan(LeaseKey task, DoneStatus done) override {
    Call("FinishPlan", std::move(done), [&](auto d) { store_.FinishPlan(task, std::move(d)); });
  }
  void Sweep(absl::Duration retention, absl::Duration age, Done<SweepReply> done) override {
    Call("Sweep", std::move(done), [&](auto d) { store_.Sweep(retention, age, std::move(d)); });
  }
  void Stats(Done<StoreStats> done) override {
    Call("Stats", std::move(done), [&](auto d) { store_.Stats(std::move(d)); });
  }

 private:
  template <typename Callback, typename Issue>
  void Call(const char* method, Callback done, Issue issue) {
    bool fires;
    StoreFault fault;
    {
      MutexLock lock(mutex_);
      fires = (method_.empty() || method_ == method) && calls_left_ > 0 && --calls_left_ == 0;
      fault = fault_;
      if (fires) fired_ = method;
    }
    if (!fires) return issue(std::move(done));
    if (fault == StoreFault::kRefuse) return std::move(done)(absl::UnavailableError("injected: refused"));
    if (fault == StoreFault::kBusy) {
      return std::move(done)(WithReason(absl::ResourceExhaustedError("injected: busy"), "STORE_BUSY"));
    }
    issue([done = std::move(done)](auto) mutable {
      std::move(done)(absl::UnavailableError("injected: answer lost"));
    });
  }

  BatchStore& store_;
  mutable Mutex mutex_;
  StoreFault fault_ ABSL_GUARDED_BY(mutex_) = StoreFault::kRefuse;
  std::string method_ ABSL_GUARDED_BY(mutex_);
  int calls_left_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string fired_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
