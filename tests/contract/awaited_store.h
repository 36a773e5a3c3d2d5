// AwaitedStore: a BatchStore whose calls wait for their answers, so that tests read top to bottom.
#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/store/await.h"
#include "core/store/batch_store.h"

namespace sluice {

// Of a step that is one.
inline NewOutcome& OutcomeIn(LeasedStep& leased) {
  return std::get<NewOutcome>(leased.step);
}
inline const NewOutcome& OutcomeIn(const LeasedStep& leased) {
  return std::get<NewOutcome>(leased.step);
}

class AwaitedStore {
 public:
  explicit AwaitedStore(BatchStore& store) : store_(&store) {}

  absl::StatusOr<Batch> Create(NewBatch batch, std::vector<NewJob> jobs) {
    return AwaitStore<Batch>(
        [&](auto done) { store_->CreateBatch(std::move(batch), std::move(jobs), std::move(done)); });
  }
  absl::StatusOr<Batch> Begin(NewBatch batch) {
    return AwaitStore<Batch>([&](auto done) { store_->BeginUpload(std::move(batch), std::move(done)); });
  }
  absl::Status Append(std::string id, std::vector<NewJob> jobs, std::string tenant = "") {
    return AwaitStore<void>(
        [&](auto done) { store_->AppendJobs({tenant, id}, std::move(jobs), std::move(done)); });
  }
  absl::StatusOr<Batch> Seal(std::string id, std::string digest = "", std::string tenant = "") {
    return AwaitStore<Batch>([&](auto done) { store_->SealUpload({tenant, id}, digest, std::move(done)); });
  }
  absl::Status Abandon(std::string id, std::string tenant = "") {
    return AwaitStore<void>([&](auto done) { store_->AbandonUpload({tenant, id}, std::move(done)); });
  }
  absl::StatusOr<Batch> Get(std::string id, std::string tenant = "") {
    return AwaitStore<Batch>([&](auto done) { store_->GetBatch({tenant, id}, std::move(done)); });
  }
  absl::StatusOr<BatchPage> List(int page_size, std::string token = "", std::string tenant = "") {
    return AwaitStore<BatchPage>(
        [&](auto done) { store_->ListBatches(tenant, page_size, token, std::move(done)); });
  }
  absl::StatusOr<Batch> Cancel(std::string id, std::string tenant = "") {
    return AwaitStore<Batch>([&](auto done) { store_->CancelBatch({tenant, id}, std::move(done)); });
  }
  absl::Status Delete(std::string id, std::string tenant = "") {
    return AwaitStore<void>([&](auto done) { store_->DeleteBatch({tenant, id}, std::move(done)); });
  }
  absl::StatusOr<std::vector<Outcome>> Outcomes(std::string id, int64_t after = 0, int limit = 256,
                                                std::string tenant = "") {
    return AwaitStore<std::vector<Outcome>>(
        [&](auto done) { store_->ReadOutcomes({tenant, id}, after, limit, std::move(done)); });
  }
  absl::StatusOr<RankedPage> Ranked(std::string id, int page_size, std::string token = "",
                                    std::string tenant = "") {
    return AwaitStore<RankedPage>(
        [&](auto done) { store_->ReadRanked({tenant, id}, page_size, token, std::move(done)); });
  }
  absl::StatusOr<Batch> ReadBatch(std::string id) {
    return AwaitStore<Batch>([&](auto done) { store_->ReadBatch(id, std::move(done)); });
  }
  absl::StatusOr<std::vector<StoredJob>> Jobs(std::string id, int64_t first = 0, int limit = 256) {
    return AwaitStore<std::vector<StoredJob>>(
        [&](auto done) { store_->ReadJobs(id, first, limit, std::move(done)); });
  }
  absl::StatusOr<SessionId> Open(absl::Duration lease = absl::Seconds(15)) {
    return AwaitStore<SessionId>([&](auto done) { store_->OpenSession(lease, std::move(done)); });
  }
  absl::StatusOr<HeartbeatReply> Heartbeat(SessionId session, absl::Duration lease = absl::Seconds(15)) {
    return AwaitStore<HeartbeatReply>([&](auto done) { store_->Heartbeat(session, lease, std::move(done)); });
  }
  absl::Status Close(SessionId session) {
    return AwaitStore<void>([&](auto done) { store_->CloseSession(session, std::move(done)); });
  }
  absl::StatusOr<std::vector<Claimed>> Claim(ClaimRequest request) {
    return AwaitStore<std::vector<Claimed>>(
        [&](auto done) { store_->Claim(std::move(request), std::move(done)); });
  }
  absl::StatusOr<std::vector<CommitResult>> Commit(std::vector<LeasedStep> steps) {
    return AwaitStore<std::vector<CommitResult>>(
        [&](auto done) { store_->CommitSteps(std::move(steps), std::move(done)); });
  }
  absl::Status Return(std::vector<LeaseKey> leases) {
    return AwaitStore<void>([&](auto done) { store_->ReturnClaims(std::move(leases), std::move(done)); });
  }
  absl::Status EndAttempts(std::vector<LeaseKey> leases) {
    return AwaitStore<void>([&](auto done) { store_->EndAttempts(std::move(leases), std::move(done)); });
  }
  absl::StatusOr<std::string> CommitPlan(LeaseKey task, std::string plan) {
    return AwaitStore<std::string>([&](auto done) { store_->CommitPlan(task, plan, std::move(done)); });
  }
  absl::Status ApplyPlan(LeaseKey task, std::vector<NewOutcome> rejected, std::vector<PlannedJob> survivors) {
    return AwaitStore<void>([&](auto done) {
      store_->ApplyPlan(task, std::move(rejected), std::move(survivors), std::move(done));
    });
  }
  absl::Status FinishPlan(LeaseKey task) {
    return AwaitStore<void>([&](auto done) { store_->FinishPlan(task, std::move(done)); });
  }
  absl::StatusOr<std::vector<TaskEnd>> Tasks(std::string id, int64_t job_index, int first = 0,
                                             int limit = 256) {
    return AwaitStore<std::vector<TaskEnd>>(
        [&](auto done) { store_->ReadTasks(id, job_index, first, limit, std::move(done)); });
  }
  absl::StatusOr<SweepReply> Sweep(absl::Duration retention = absl::InfiniteDuration(),
                                   absl::Duration upload_age = absl::InfiniteDuration()) {
    return AwaitStore<SweepReply>([&](auto done) { store_->Sweep(retention, upload_age, std::move(done)); });
  }
  absl::StatusOr<StoreStats> Stats() {
    return AwaitStore<StoreStats>([&](auto done) { store_->Stats(std::move(done)); });
  }

 private:
  BatchStore* store_;
};

}  // namespace sluice
