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
    Pass("CreateBatch", std::move(done), &BatchStore::CreateBatch, std::move(batch), std::move(jobs));
  }
  void BeginUpload(NewBatch batch, Done<Batch> done) override {
    Pass("BeginUpload", std::move(done), &BatchStore::BeginUpload, std::move(batch));
  }
  void AppendJobs(BatchKey upload, std::vector<NewJob> jobs, Done<void> done) override {
    Pass("AppendJobs", std::move(done), &BatchStore::AppendJobs, std::move(upload), std::move(jobs));
  }
  void SealUpload(BatchKey upload, std::string digest, Done<Batch> done) override {
    Pass("SealUpload", std::move(done), &BatchStore::SealUpload, std::move(upload), std::move(digest));
  }
  void AbandonUpload(BatchKey upload, Done<void> done) override {
    Pass("AbandonUpload", std::move(done), &BatchStore::AbandonUpload, std::move(upload));
  }
  void GetBatch(BatchKey name, Done<Batch> done) override {
    Pass("GetBatch", std::move(done), &BatchStore::GetBatch, std::move(name));
  }
  void ListBatches(std::string tenant, int page_size, std::string page_token, Done<BatchPage> done) override {
    Pass("ListBatches", std::move(done), &BatchStore::ListBatches, std::move(tenant), page_size,
         std::move(page_token));
  }
  void CancelBatch(BatchKey name, Done<Batch> done) override {
    Pass("CancelBatch", std::move(done), &BatchStore::CancelBatch, std::move(name));
  }
  void DeleteBatch(BatchKey name, Done<void> done) override {
    Pass("DeleteBatch", std::move(done), &BatchStore::DeleteBatch, std::move(name));
  }
  void ReadOutcomes(BatchKey name, int64_t after_sequence, int limit,
                    Done<std::vector<Outcome>> done) override {
    Pass("ReadOutcomes", std::move(done), &BatchStore::ReadOutcomes, std::move(name), after_sequence, limit);
  }
  void ReadRanked(BatchKey name, int page_size, std::string page_token, Done<RankedPage> done) override {
    Pass("ReadRanked", std::move(done), &BatchStore::ReadRanked, std::move(name), page_size,
         std::move(page_token));
  }
  void OpenSession(absl::Duration lease, Done<SessionId> done) override {
    Pass("OpenSession", std::move(done), &BatchStore::OpenSession, lease);
  }
  void Heartbeat(SessionId session, absl::Duration lease, Done<HeartbeatReply> done) override {
    Pass("Heartbeat", std::move(done), &BatchStore::Heartbeat, session, lease);
  }
  void CloseSession(SessionId session, Done<void> done) override {
    Pass("CloseSession", std::move(done), &BatchStore::CloseSession, session);
  }
  void Claim(ClaimRequest request, Done<std::vector<Claimed>> done) override {
    Pass("Claim", std::move(done), &BatchStore::Claim, std::move(request));
  }
  void CommitSteps(std::vector<LeasedStep> steps, Done<std::vector<CommitResult>> done) override {
    Pass("CommitSteps", std::move(done), &BatchStore::CommitSteps, std::move(steps));
  }
  void ReturnClaims(std::vector<LeaseKey> leases, Done<void> done) override {
    Pass("ReturnClaims", std::move(done), &BatchStore::ReturnClaims, std::move(leases));
  }
  void EndAttempts(std::vector<LeaseKey> leases, Done<void> done) override {
    Pass("EndAttempts", std::move(done), &BatchStore::EndAttempts, std::move(leases));
  }
  void CommitPlan(LeaseKey task, std::string plan, Done<std::string> done) override {
    Pass("CommitPlan", std::move(done), &BatchStore::CommitPlan, std::move(task), std::move(plan));
  }
  void ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors,
                 Done<void> done) override {
    Pass("ApplyPlan", std::move(done), &BatchStore::ApplyPlan, std::move(task), std::move(rejected),
         std::move(survivors));
  }
  void FinishPlan(LeaseKey task, Done<void> done) override {
    Pass("FinishPlan", std::move(done), &BatchStore::FinishPlan, std::move(task));
  }
  void ReadTasks(std::string batch_id, int64_t job_index, int first_task, int limit,
                 Done<std::vector<TaskEnd>> done) override {
    Pass("ReadTasks", std::move(done), &BatchStore::ReadTasks, std::move(batch_id), job_index, first_task,
         limit);
  }
  void ReadBatch(std::string batch_id, Done<Batch> done) override {
    Pass("ReadBatch", std::move(done), &BatchStore::ReadBatch, std::move(batch_id));
  }
  void ReadJobs(std::string batch_id, int64_t first_index, int limit,
                Done<std::vector<StoredJob>> done) override {
    Pass("ReadJobs", std::move(done), &BatchStore::ReadJobs, std::move(batch_id), first_index, limit);
  }
  void Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) override {
    Pass("Sweep", std::move(done), &BatchStore::Sweep, retention, upload_age);
  }
  void Stats(Done<StoreStats> done) override { Pass("Stats", std::move(done), &BatchStore::Stats); }

 protected:
  BatchStore& store() { return store_; }

 private:
  template <typename Answer, typename Interface, typename... Params, typename... Args>
  void Pass(const char* method, absl::AnyInvocable<void(Answer) &&> done, void (Interface::*call)(Params...),
            Args... args) {
    static_cast<Derived*>(this)->template Intercept<Answer>(
        method, std::move(done),
        [this, call, ... args = std::move(args)](absl::AnyInvocable<void(Answer)&&> then) mutable {
          (store_.*call)(std::move(args)..., std::move(then));
        });
  }

  BatchStore& store_;
};

}  // namespace sluice
