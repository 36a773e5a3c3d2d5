// Random calls against the SQLite engine with restarts and crashes at random points: the invariants hold
// after each.
#include <random>

#include "absl/strings/str_cat.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "gtest/gtest.h"
#include "tests/contract/awaited_store.h"
#include "tests/contract/scratch_directory.h"
#include "tests/contract/stepped_kind.h"
#include "tests/contract/store_invariants.h"
#include "tests/core/store/store_file.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

class CrashLoop : public testing::TestWithParam<unsigned> {
 protected:
  static constexpr int kMaxAttempts = 3;
  static constexpr int kSteps = 300;

  CrashLoop() { Reopen(); }

  int Pick(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
  AwaitedStore Store() { return AwaitedStore(*engine_); }
  const std::string& PickBatch() {
    return batches_[static_cast<size_t>(Pick(static_cast<int>(batches_.size())))];
  }

  void Reopen() {
    engine_.reset();
    absl::StatusOr<std::unique_ptr<EmbeddedStore>> opened =
        OpenSqliteBatchStore({.path = path_, .stages = &SteppedStages()}, clock_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    engine_ = *std::move(opened);
    session_ = Store().Open().value();
  }

  // The process dies with calls under way: the files go on as they are at this moment.
  void Crash() {
    engine_->Sweep(absl::InfiniteDuration(), absl::InfiniteDuration(),
                   [](const absl::StatusOr<SweepReply>&) {});
    ASSERT_TRUE(Store().Stats().ok());
    const std::string next = directory_.File(absl::StrCat("batches", ++crashes_, ".db"));
    CopyStoreFile(path_, next);
    path_ = next;
    Reopen();
  }

  void CreateOne() {
    NewBatch batch;
    const JobKind kinds[] = {JobKind::kScreen, JobKind::kEmbed, kStepped};
    batch.kind = kinds[Pick(3)];
    batch.priority = Pick(3);
    batch.expires_after = absl::Seconds(30 + Pick(600));
    if (Pick(3) == 0) batch.request_id = absl::StrCat("request", Pick(5));
    std::vector<NewJob> jobs;
    for (int i = 0; i < 4; ++i) jobs.push_back({absl::StrCat("job", i), "payload"});
    const absl::StatusOr<Batch> created = Store().Create(batch, jobs);
    ASSERT_TRUE(created.ok()) << created.status();
    invariants_.Created(*created, batch.request_id);
    if (std::find(batches_.begin(), batches_.end(), created->id) == batches_.end())
      batches_.push_back(created->id);
  }

  void ClaimSome() {
    const absl::StatusOr<std::vector<Claimed>> claims =
        Store().Claim({.session = session_,
                       .stages = {Stage::kPlan, Stage::kScore, Stage::kEmbed, kSplit, kPart, kJoin},
                       .max_claims = 1 + Pick(6)});
    if (!claims.ok()) {
      session_ = Store().Open().value();
      return;
    }
    invariants_.Claimed(*claims);
    claims_.insert(claims_.end(), claims->begin(), claims->end());
  }

  // Any claim ever made, so that many are late.
  void EndOne() {
    if (claims_.empty()) return;
    const Claimed claim = claims_[static_cast<size_t>(Pick(static_cast<int>(claims_.size())))];
    const LeaseKey lease = claim.key();
    if (claim.stage == Stage::kPlan) return PlanOne(lease);
    if (Pick(8) == 0) {
      ASSERT_TRUE(Store().Return({lease}).ok());
      return;
    }
    LeasedStep leased{.lease = lease, .step = {}};
    OutcomeIn(leased).kind = Pick(4) == 0 ? OutcomeKind::kFailed : OutcomeKind::kSucceeded;
    if (OutcomeIn(leased).kind == OutcomeKind::kFailed)
      OutcomeIn(leased).error_code = absl::StatusCode::kDataLoss;
    OutcomeIn(leased).score = Pick(100);
    OutcomeIn(leased).result = absl::StrCat("result ", ++results_);
    if (claim.stage == kSplit && Pick(3) > 0) leased.step = SplitInto(1 + Pick(4));
    if (claim.stage == kJoin && Pick(4) == 0) leased.step = SplitInto(1);
    if (claim.stage == kSplit && Pick(4) == 0) leased.step = Advance{.next = kJoin, .artifact = "made"};
    const auto results = Store().Commit({leased});
    ASSERT_TRUE(results.ok()) << results.status();
    invariants_.Committed(leased, results->at(0));
  }

  void PlanOne(const LeaseKey& task) {
    Store().CommitPlan(task, "plan").status().IgnoreError();
    NewOutcome rejected;
    rejected.job_index = 0;
    std::vector<PlannedJob> survivors = {{1, Pick(9)}, {2, Pick(9)}};
    if (Pick(2) == 0) survivors.push_back({3, 0});
    Store().ApplyPlan(task, {rejected}, survivors).IgnoreError();
    Store().FinishPlan(task).IgnoreError();
  }

  void CancelOne() {
    if (batches_.empty()) return;
    const std::string id = PickBatch();
    ASSERT_TRUE(Store().Cancel(id).ok());
    invariants_.Cancelled(id);
  }

  void DeleteOne() {
    if (batches_.empty()) return;
    const std::string id = PickBatch();
    if (!Store().Delete(id).ok()) return;
    invariants_.Deleted(id);
    std::erase(batches_, id);
  }

  void PassTime() {
    clock_.Advance(absl::Seconds(Pick(20)));
    ASSERT_TRUE(Store().Sweep().ok());
  }

  void Step() {
    const int dice = Pick(100);
    if (dice < 15) return CreateOne();
    if (dice < 40) return ClaimSome();
    if (dice < 75) return EndOne();
    if (dice < 80) return CancelOne();
    if (dice < 84) return DeleteOne();
    if (dice < 94) return PassTime();
    if (dice < 97) return Reopen();
    Crash();
  }

  std::mt19937 random_{GetParam()};
  SimulatedClock clock_;
  ScratchDirectory directory_;
  std::string path_ = directory_.File("batches.db");
  std::unique_ptr<EmbeddedStore> engine_;
  StoreInvariants invariants_{kMaxAttempts};
  SessionId session_ = 0;
  std::vector<std::string> batches_;
  std::vector<Claimed> claims_;
  int results_ = 0;
  int crashes_ = 0;
};

TEST_P(CrashLoop, InvariantsHoldAfterEveryStep) {
  for (int step = 0; step < kSteps && !HasFailure(); ++step) {
    SCOPED_TRACE(absl::StrCat("seed ", GetParam(), ", step ", step));
    Step();
    AwaitedStore store = Store();
    invariants_.Check(store);
    if (step % 10 == 0) CheckFile(path_, directory_.File("check.db"));
  }
  EXPECT_GT(crashes_, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, CrashLoop, testing::Values(1u, 2u, 3u, 4u));

}  // namespace
}  // namespace sluice
