// InterceptedBatchStore: a BatchStore whose every call passes one function before it reaches the store below.
//
// Derived provides
//   template <typename Answer, typename Issue>
//   void Intercept(const char* method, absl::AnyInvocable<void(Answer) &&> done, Issue issue);
// where `issue(done)` makes the call, now or later, at most once: it owns the call's arguments.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/store/batch_store.h"

namespace sluice {

// As thread-safe as Derived. `store` must outlive it and what it defers.
template <typename Derived>
class InterceptedBatchStore : public BatchStore {
 public:
  explicit InterceptedBatchStore(BatchStore& store) : store_(store) {}

  void SetListener(StoreListener* listener) override { store_.SetListener(listener); }

  void CreateBatch(NewBatch batch, std::vector<NewJob> jobs, Done<Batch> done) override {
    Pass<absl::StatusOr<Batch>>("CreateBatch", std::move(done),
                                [this, batch = std::move(batch), jobs = std::move(jobs)](auto d) mutable {
                                  store_.CreateBatch(std::move(batch), std::move(jobs), std::move(d));
                                });
  }
  void BeginUpload(NewBatch batch, Done<Batch> done) override {
    Pass<absl::StatusOr<Batch>>("BeginUpload", std::move(done),
                                [this, batch = std::move(batch)](auto d) mutable {
                                  store_.BeginUpload(std::move(batch), std::move(d));
                                });
  }
  void AppendJobs(std::string id, std::vector<NewJob> jobs, DoneStatus done) override {
    Pass<absl::Status>("AppendJobs", std::move(done),
                       [this, id = std::move(id), jobs = std::move(jobs)](auto d) mutable {
                         store_.AppendJobs(std::move(id), std::move(jobs), std::move(d));
                       });
  }
  void SealUpload(std::string id, std::string digest, Done<Batch> done) override {
    Pass<absl::StatusOr<Batch>>("SealUpload", std::move(done),
                                [this, id, digest](auto d) { store_.SealUpload(id, digest, std::move(d)); });
  }
  void AbandonUpload(std::string id, DoneStatus done) override {
    Pass<absl::Status>("AbandonUpload", std::move(done),
                       [this, id](auto d) { store_.AbandonUpload(id, std::move(d)); });
  }
  void GetBatch(std::string tenant, std::string id, Done<Batch> done) override {
    Pass<absl::StatusOr<Batch>>("GetBatch", std::move(done),
                                [this, tenant, id](auto d) { store_.GetBatch(tenant, id, std::move(d)); });
  }
  void ListBatches(std::string tenant, int size, std::string token, Done<BatchPage> done) override {
    Pass<absl::StatusOr<BatchPage>>("ListBatches", std::move(done), [this, tenant, size, token](auto d) {
      store_.ListBatches(tenant, size, token, std::move(d));
    });
  }
  void CancelBatch(std::string tenant, std::string id, Done<Batch> done) override {
    Pass<absl::StatusOr<Batch>>("CancelBatch", std::move(done),
                                [this, tenant, id](auto d) { store_.CancelBatch(tenant, id, std::move(d)); });
  }
  void DeleteBatch(std::string tenant, std::string id, DoneStatus done) override {
    Pass<absl::Status>("DeleteBatch", std::move(done),
                       [this, tenant, id](auto d) { store_.DeleteBatch(tenant, id, std::move(d)); });
  }
  void ReadOutcomes(std::string id, int64_t after, int limit, Done<std::vector<Outcome>> done) override {
    Pass<absl::StatusOr<std::vector<Outcome>>>(
        "ReadOutcomes", std::move(done),
        [this, id, after, limit](auto d) { store_.ReadOutcomes(id, after, limit, std::move(d)); });
  }
  void ReadRanked(std::string id, int size, std::string token, Done<RankedPage> done) override {
    Pass<absl::StatusOr<RankedPage>>("ReadRanked", std::move(done), [this, id, size, token](auto d) {
      store_.ReadRanked(id, size, token, std::move(d));
    });
  }
  void ReadJobs(std::string id, int64_t first, int limit, Done<std::vector<StoredJob>> done) override {
    Pass<absl::StatusOr<std::vector<StoredJob>>>(
        "ReadJobs", std::move(done),
        [this, id, first, limit](auto d) { store_.ReadJobs(id, first, limit, std::move(d)); });
  }
  void OpenSession(absl::Duration lease, Done<SessionId> done) override {
    Pass<absl::StatusOr<SessionId>>("OpenSession", std::move(done),
                                    [this, lease](auto d) { store_.OpenSession(lease, std::move(d)); });
  }
  void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) override {
    Pass<absl::StatusOr<HeartbeatReply>>("Heartbeat", std::move(done), [this, session, lease](auto d) {
      store_.Heartbeat(session, lease, std::move(d));
    });
  }
  void CloseSession(SessionId session, DoneStatus done) override {
    Pass<absl::Status>("CloseSession", std::move(done),
                       [this, session](auto d) { store_.CloseSession(session, std::move(d)); });
  }
  void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) override {
    Pass<absl::StatusOr<std::vector<Claimed>>>(
        "Claim", std::move(done), [this, request](auto d) { store_.Claim(request, std::move(d)); });
  }
  void CommitOutcomes(std::vector<LeasedOutcome> outcomes, Done<std::vector<CommitResult>> done) override {
    Pass<absl::StatusOr<std::vector<CommitResult>>>(
        "CommitOutcomes", std::move(done), [this, outcomes = std::move(outcomes)](auto d) mutable {
          store_.CommitOutcomes(std::move(outcomes), std::move(d));
        });
  }
  void ReturnClaims(std::vector<LeaseKey> leases, DoneStatus done) override {
    Pass<absl::Status>("ReturnClaims", std::move(done), [this, leases = std::move(leases)](auto d) mutable {
      store_.ReturnClaims(std::move(leases), std::move(d));
    });
  }
  void EndAttempts(std::vector<LeaseKey> leases, DoneStatus done) override {
    Pass<absl::Status>("EndAttempts", std::move(done), [this, leases = std::move(leases)](auto d) mutable {
      store_.EndAttempts(std::move(leases), std::move(d));
    });
  }
  void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) override {
    Pass<absl::StatusOr<std::string>>("CommitPlan", std::move(done), [this, task, plan](auto d) {
      store_.CommitPlan(task, plan, std::move(d));
    });
  }
  void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                 DoneStatus done) override {
    Pass<absl::Status>(
        "ApplyPlan", std::move(done),
        [this, task, rejected = std::move(rejected), survivors = std::move(survivors)](auto d) mutable {
          store_.ApplyPlan(task, std::move(rejected), std::move(survivors), std::move(d));
        });
  }
  void FinishPlan(LeaseKey task, DoneStatus done) override {
    Pass<absl::Status>("FinishPlan", std::move(done),
                       [this, task](auto d) { store_.FinishPlan(task, std::move(d)); });
  }
  void Sweep(absl::Duration retention, absl::Duration age, Done<SweepReply> done) override {
    Pass<absl::StatusOr<SweepReply>>("Sweep", std::move(done), [this, retention, age](auto d) {
      store_.Sweep(retention, age, std::move(d));
    });
  }
  void Stats(Done<StoreStats> done) override {
    Pass<absl::StatusOr<StoreStats>>("Stats", std::move(done),
                                     [this](auto d) { store_.Stats(std::move(d)); });
  }

 protected:
  BatchStore& store() { return store_; }

 private:
  template <typename Answer, typename Issue>
  void Pass(const char* method, absl::AnyInvocable<void(Answer) &&> done, Issue issue) {
    static_cast<Derived*>(this)->template Intercept<Answer>(method, std::move(done), std::move(issue));
  }

  BatchStore& store_;
};

}  // namespace sluice
