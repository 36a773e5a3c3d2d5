// The contract of BatchStore, as one parameterised suite: every engine and the fake are held to the same
// sentences. The tests are in batch_store_*_contract.cc beside this file; a test program lists those sources
// and instantiates
//   INSTANTIATE_TEST_SUITE_P(Sqlite, BatchStoreContract, testing::Values(StoreFactory{…}));
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/awaited_store.h"
#include "tests/contract/scratch_directory.h"
#include "tests/contract/stepped_kind.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {

struct StoreFactory {
  std::string name;
  // A fresh, empty store of SteppedStages, which may keep its file in `directory`.
  std::function<std::unique_ptr<BatchStore>(const Clock& clock, const ScratchDirectory& directory)> open;
  // The same store after a death of the process that had it: what was leased then still was.
  std::function<std::unique_ptr<BatchStore>(std::unique_ptr<BatchStore> dead, const Clock& clock,
                                            const ScratchDirectory& directory)>
      restart;
  // The same store after its process ended of its own accord, as it was told to or because the store failed.
  std::function<std::unique_ptr<BatchStore>(std::unique_ptr<BatchStore> ended, const Clock& clock,
                                            const ScratchDirectory& directory)>
      reopen;
};

inline void PrintTo(const StoreFactory& factory, std::ostream* out) {
  *out << factory.name;
}

inline constexpr int64_t kNoJob = -1;  // Claimed::job_index of a task of the batch

class BatchStoreContract : public testing::TestWithParam<StoreFactory> {
 protected:
  static constexpr int kMaxAttempts = StageRow{}.attempts;
  static constexpr absl::Duration kAloneFor = absl::Seconds(30);

  BatchStoreContract() : engine_(GetParam().open(clock_, directory_)), store_(*engine_) {}

  static std::vector<NewJob> Jobs(int count, absl::string_view prefix = "job") {
    std::vector<NewJob> jobs;
    for (int i = 0; i < count; ++i)
      jobs.push_back({absl::StrCat(prefix, i), absl::StrCat("payload of ", prefix, i)});
    return jobs;
  }

  static NewBatch Embed() {
    NewBatch batch;
    batch.kind = JobKind::kEmbed;
    batch.spec = "spec";
    return batch;
  }
  static NewBatch Screen() {
    NewBatch batch = Embed();
    batch.kind = JobKind::kScreen;
    return batch;
  }

  static NewBatch Stepped() {
    NewBatch batch = Embed();
    batch.kind = kStepped;
    return batch;
  }

  Batch Create(NewBatch batch, int jobs) {
    absl::StatusOr<Batch> created = store_.Create(std::move(batch), Jobs(jobs));
    EXPECT_TRUE(created.ok()) << created.status();
    return created.value_or(Batch{});
  }
  Batch Get(const std::string& id) { return store_.Get(id).value_or(Batch{}); }

  SessionId Session() { return store_.Open().value_or(0); }

  std::vector<Claimed> Claim(SessionId session, int max_claims = 100) {
    ClaimRequest request;
    request.session = session;
    request.stages = {Stage::kPlan, Stage::kScore, Stage::kEmbed, kSplit, kPart, kJoin};
    request.max_claims = max_claims;
    absl::StatusOr<std::vector<Claimed>> claims = store_.Claim(request);
    EXPECT_TRUE(claims.ok()) << claims.status();
    return std::move(claims).value_or(std::vector<Claimed>{});
  }

  static LeaseKey Lease(const Claimed& claim) { return claim.key(); }

  static LeasedStep Ended(const Claimed& claim, OutcomeKind kind = OutcomeKind::kSucceeded,
                          double score = 0) {
    LeasedStep leased;
    leased.lease = Lease(claim);
    OutcomeIn(leased).kind = kind;
    OutcomeIn(leased).score = score;
    OutcomeIn(leased).result = absl::StrCat("result of ", claim.job_id);
    if (kind == OutcomeKind::kFailed) {
      OutcomeIn(leased).error_code = absl::StatusCode::kDataLoss;
      OutcomeIn(leased).error_reason = "BROKEN";
    }
    return leased;
  }
  CommitResult Commit(const Claimed& claim, OutcomeKind kind = OutcomeKind::kSucceeded, double score = 0) {
    const auto results = store_.Commit({Ended(claim, kind, score)});
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? results->at(0) : CommitResult::kFenced;
  }

  std::vector<Claimed> ClaimOf(SessionId session, Stage stage, int max_claims = 100) {
    const auto claims =
        store_.Claim({.session = session, .stages = {stage}, .serves = {}, .max_claims = max_claims});
    EXPECT_TRUE(claims.ok()) << claims.status();
    return claims.value_or(std::vector<Claimed>{});
  }

  static LeasedStep StepOf(const Claimed& claim, Step step) { return {claim.key(), std::move(step)}; }
  static FanOut Into(int tasks, std::string artifact = "split") {
    return SplitInto(tasks, std::move(artifact));
  }
  CommitResult Take(const Claimed& claim, Step step) {
    const auto results = store_.Commit({StepOf(claim, std::move(step))});
    EXPECT_TRUE(results.ok()) << results.status();
    return results.ok() ? results->at(0) : CommitResult::kFenced;
  }
  absl::Status Refused(const Claimed& claim, Step step) {
    return store_.Commit({StepOf(claim, std::move(step))}).status();
  }
  // A batch of one job, which is split into tasks that nobody has claimed. Its id.
  std::string Split(SessionId session, int tasks) {
    std::string id = Create(Stepped(), 1).id;
    EXPECT_EQ(Take(ClaimOf(session, kSplit).at(0), Into(tasks)), CommitResult::kCommitted);
    return id;
  }

  // A screen batch, whose plan task is claimed.
  Claimed ClaimedPlanTask(SessionId session, int jobs) {
    Create(Screen(), jobs);
    const std::vector<Claimed> claims = Claim(session);
    EXPECT_EQ(claims.size(), 1u);
    return claims.empty() ? Claimed{} : claims[0];
  }

  static NewOutcome Rejected(int64_t index, double score = 0) {
    NewOutcome outcome;
    outcome.job_index = index;
    outcome.score = score;
    outcome.result = "rejected";
    return outcome;
  }

  // Lets the session die and requeues what it held.
  SweepReply Reap() {
    clock_.Advance(absl::Seconds(16));
    return store_.Sweep().value_or(SweepReply{});
  }

  // The process dies with its leases and is started again.
  void Die() {
    engine_ = GetParam().restart(std::move(engine_), clock_, directory_);
    store_ = AwaitedStore(*engine_);
  }

  // The process ends of its own accord with its leases and is started again.
  void EndAndStartAgain() {
    engine_ = GetParam().reopen(std::move(engine_), clock_, directory_);
    store_ = AwaitedStore(*engine_);
  }

  SimulatedClock clock_;
  ScratchDirectory directory_;
  std::unique_ptr<BatchStore> engine_;
  AwaitedStore store_;
};

inline std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolationsOf(status)) fields.push_back(violation.field);
  return fields;
}

inline std::vector<int64_t> IndicesOf(const std::vector<Claimed>& claims) {
  std::vector<int64_t> indices;
  for (const Claimed& claim : claims) indices.push_back(claim.job_index);
  return indices;
}

inline std::vector<std::string> IdsOf(const std::vector<Outcome>& outcomes) {
  std::vector<std::string> ids;
  for (const Outcome& outcome : outcomes) ids.push_back(outcome.job_id);
  return ids;
}

}  // namespace sluice
