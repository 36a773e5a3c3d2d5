#include "core/pipeline/plan_lease.h"

#include <optional>

#include "gmock/gmock.h"
#include "tests/core/pipeline/plan_rig.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(EndOfPlanTest, GoesOnWhileNothingStopsIt) {
  EXPECT_EQ(EndOfPlan(StopReason::kNone, absl::OkStatus()), PlanEnd::kNone);
}

// Whatever the call that was given up for the stop answered.
TEST(EndOfPlanTest, AStopEndsItByItsReason) {
  for (const absl::Status& status : {absl::OkStatus(), absl::UnavailableError("busy"),
                                     absl::AbortedError("fenced"), absl::InternalError("broken")}) {
    EXPECT_EQ(EndOfPlan(StopReason::kDraining, status), PlanEnd::kGiveBack) << status;
    EXPECT_EQ(EndOfPlan(StopReason::kBatchCancelled, status), PlanEnd::kCancelled) << status;
    EXPECT_EQ(EndOfPlan(StopReason::kSessionLost, status), PlanEnd::kDrop) << status;
  }
}

TEST(EndOfPlanTest, ARefusalEndsItByItsCode) {
  EXPECT_EQ(EndOfPlan(StopReason::kNone, absl::AbortedError("fenced")), PlanEnd::kDrop);
  EXPECT_EQ(EndOfPlan(StopReason::kNone, absl::NotFoundError("deleted")), PlanEnd::kDrop);
  EXPECT_EQ(EndOfPlan(StopReason::kNone, absl::InternalError("broken")), PlanEnd::kGiveUp);
  EXPECT_EQ(EndOfPlan(StopReason::kNone, absl::FailedPreconditionError("jobs wait")), PlanEnd::kGiveUp);
}

// Three times busy, and the plan is committed once.
TEST(PlanLeaseTest, AStoreThatIsBusyIsAskedAgain) {
  PlanRig rig;
  const PlanLease plan(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  rig.store_.Arm(StoreFault::kBusy, 1, "CommitPlan", 3);
  std::optional<std::string> stored;
  plan.CommitPlan("a plan", [&](std::string answer) { stored = std::move(answer); });
  rig.Settle();
  EXPECT_EQ(stored, std::nullopt);
  for (int tries = 0; tries < 3; ++tries) rig.Wait(absl::Seconds(1));
  EXPECT_EQ(stored, "a plan");
  EXPECT_EQ(rig.store_.Calls("CommitPlan"), 4);
  EXPECT_EQ(rig.Get(plan.lease()).plan, "a plan");
  EXPECT_THAT(rig.sink_.ends(), IsEmpty());
}

TEST(PlanLeaseTest, AnswersThePlanThatWasCommittedFirst) {
  PlanRig rig;
  const PlanLease plan(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  std::vector<std::string> stored;
  for (const char* offered : {"the first", "the second"}) {
    plan.CommitPlan(offered, [&](std::string answer) { stored.push_back(std::move(answer)); });
    rig.Settle();
  }
  EXPECT_THAT(stored, ElementsAre("the first", "the first"));
}

// A drain does not wait for a store that is away: what was asked is not asked again, nothing goes on.
TEST(PlanLeaseTest, ACallIsGivenUpForADrain) {
  PlanRig rig;
  const PlanLease plan(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  rig.store_.Arm(StoreFault::kRefuse, 1, "ApplyPlan", 1000);
  bool applied = false;
  plan.ApplyPlan({}, {{.job_index = 0}}, [&] { applied = true; });
  rig.Settle();
  rig.Stop(plan.lease(), StopReason::kDraining);
  rig.Wait(absl::Seconds(1));
  EXPECT_THAT(rig.sink_.ends(), ElementsAre("given back"));
  const int calls = rig.store_.Calls("ApplyPlan");
  rig.Wait(absl::Minutes(1));
  EXPECT_EQ(rig.store_.Calls("ApplyPlan"), calls);
  EXPECT_FALSE(applied);
}

// The task of a cancelled batch is ended in the store, without an answer being waited for, and once.
TEST(PlanLeaseTest, ACancelledBatchEndsItsTaskAtOnce) {
  PlanRig rig;
  const PlanLease plan(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  rig.Stop(plan.lease(), StopReason::kBatchCancelled);
  EXPECT_TRUE(plan.Over());
  EXPECT_THAT(rig.sink_.ends(), ElementsAre("dropped"));
  EXPECT_TRUE(plan.Over());
  rig.Settle();
  EXPECT_EQ(rig.store_.Calls("FinishPlan"), 1);
  EXPECT_THAT(rig.sink_.ends(), ElementsAre("dropped"));
}

// What the store refuses for good counts as an attempt; a task that is another's by now is only dropped.
TEST(PlanLeaseTest, ARefusalEndsTheLease) {
  PlanRig rig;
  const PlanLease broken(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  rig.store_.Arm(StoreFault::kBreak, 1, "ReadBatch");
  broken.ReadBatch([](const Batch&) { FAIL() << "was not read"; });
  rig.Settle();
  EXPECT_THAT(rig.sink_.ends(), ElementsAre("given up"));

  const PlanLease fenced(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  ++fenced.lease()->claim.fence;
  fenced.FinishPlan([] { FAIL() << "was fenced"; });
  rig.Settle();
  EXPECT_THAT(rig.sink_.ends(), ElementsAre("given up", "dropped"));
}

// No posting more is begun, and nothing goes on.
TEST(PlanLeaseTest, ASweepThatIsStoppedDoesNotGoOn) {
  PlanRig rig;
  const PlanLease plan(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  int begun = 0;
  plan.Sweep(
      nullptr, 100,
      [&](size_t, WorkBudget&) {
        if (++begun == 10) rig.Stop(plan.lease(), StopReason::kSessionLost);
      },
      [] { FAIL() << "the lease is lost"; });
  rig.Settle();
  EXPECT_EQ(begun, 10);
  EXPECT_THAT(rig.sink_.ends(), ElementsAre("dropped"));
}

// Each posting has a budget of its own.
TEST(PlanLeaseTest, ASweepGivesEachPostingItsBudget) {
  PlanRig rig({.workers = 3});
  const PlanLease plan(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  std::vector<int64_t> left(100);
  bool done = false;
  plan.Sweep(
      nullptr, left.size(),
      [&](size_t position, WorkBudget& budget) {
        left[position] = budget.steps() - budget.spent();
        budget.Spend(budget.steps());
      },
      [&] { done = true; });
  rig.Settle();
  EXPECT_TRUE(done);
  EXPECT_EQ(left, std::vector<int64_t>(100, kMostPostingSteps));
}

// A few are decided at once; many wait for a worker and are charged for.
TEST(PlanLeaseTest, ManyPostingsWaitForAWorker) {
  PlanRig rig;
  const PlanLease plan(rig.context_, rig.ClaimPlan(kAnyScreenSpec, {"a posting"}));
  int decided = 0;
  const auto decide = [&] {
    ++decided;
    return int64_t{1};
  };
  plan.OffloadUnlessFew(256, decide);
  EXPECT_EQ(decided, 1);
  plan.OffloadUnlessFew(257, decide);
  EXPECT_EQ(decided, 1);
  rig.Settle();
  EXPECT_EQ(decided, 2);
}

}  // namespace
}  // namespace sluice
