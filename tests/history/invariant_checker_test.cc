#include "tests/history/invariant_checker.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice::history {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Broken(const History& history) {
  std::vector<std::string> invariants;
  for (const Violation& violation : Check(history)) invariants.push_back(violation.invariant);
  return invariants;
}

Acknowledged Embed(int64_t jobs, const std::string& request_id = "", const std::string& batch = "b1") {
  return {batch, "tenant", "embed", jobs, request_id, "digest"};
}
Claimed Claim(int64_t job, int64_t fence, int64_t attempt = 1) {
  return {"b1", job, "embed", /*session=*/1, fence, attempt, /*at_us=*/100};
}
Claimed Score(int64_t job, int64_t fence) {
  return {"b1", job, "screen_score", /*session=*/1, fence, /*attempt=*/1, /*at_us=*/100};
}
OutcomeSeen Succeeded(int64_t sequence, int64_t job, int64_t attempt = 1) {
  return {"b1", sequence, job, "SUCCEEDED", attempt, "", "vector"};
}
BatchSeen Seen(int64_t jobs, int64_t succeeded, bool terminal) {
  return {"b1", terminal, jobs, succeeded, 0, 0, 0, /*last_sequence=*/succeeded, ""};
}

// Two jobs, one of them claimed again after its first worker's session died.
History Sound() {
  return {Limits{.max_attempts = 3, .tenant_jobs = 10},
          SessionOpened{1, 1000},
          SessionOpened{2, 9000},
          Embed(2, "request"),
          Claim(0, 1),
          Claim(1, 2),
          Seen(2, 0, false),
          Recorded{"b1", 0, 1, "SUCCEEDED"},
          Succeeded(1, 0),
          SessionRenewed{1, 900, 2000},
          Places{"b1", 2, 0, 1, 1},
          Claimed{"b1", 1, "embed", 2, 3, 2, 3000},
          Embed(2, "request"),
          Recorded{"b1", 1, 3, "SUCCEEDED"},
          Succeeded(2, 1, 2),
          Seen(2, 2, true),
          SessionClosed{2},
          Settled{},
          Seen(2, 2, true),
          Succeeded(1, 0),
          Succeeded(2, 1, 2)};
}

// A screen batch of three jobs: 0 survives, 1 and 2 are rejected.
History SoundScreen() {
  return {Acknowledged{"b1", "", "screen", 3, "", "digest"},
          Claimed{"b1", -1, "screen_plan", 1, 1, 1, 100},
          PlanCommitted{"b1", "plan"},
          Survivors{"b1", {0}},
          Succeeded(1, 1, 0),
          Succeeded(2, 2, 0),
          Score(0, 2),
          Recorded{"b1", 0, 2, "SUCCEEDED"},
          Succeeded(3, 0),
          Settled{},
          BatchSeen{"b1", true, 3, 3, 0, 0, 0, 3, "plan"}};
}

History With(History history, const Event& last) {
  history.push_back(last);
  return history;
}

TEST(InvariantChecker, FindsNothingInSoundHistories) {
  EXPECT_THAT(Describe(Check(Sound())), testing::StrEq(""));
  EXPECT_THAT(Describe(Check(SoundScreen())), testing::StrEq(""));
  EXPECT_THAT(Broken({}), IsEmpty());
}

TEST(InvariantChecker, NamesTheEventThatBreaks) {
  const std::vector<Violation> violations = Check(With({Embed(1)}, Missing{"b1"}));
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].event, 2u);
  EXPECT_EQ(Describe(violations), "I1 at event 2: batch b1 was acknowledged and is gone\n");
}

// A batch that was never acknowledged, or was deleted, may be missing; an acknowledged one never.
TEST(InvariantChecker, I1AcknowledgedBatchIsFoundUntilItIsDeleted) {
  EXPECT_THAT(Broken({Missing{"b1"}}), IsEmpty());
  EXPECT_THAT(Broken({Embed(1), Deleted{"b1"}, Missing{"b1"}}), IsEmpty());
  EXPECT_THAT(Broken({Embed(1), DeleteAsked{"b1"}, Missing{"b1"}}), IsEmpty());  // its answer was lost
  EXPECT_THAT(Broken({Embed(1), DeleteAsked{"b1"}, DeleteRefused{"b1"}, Missing{"b1"}}), ElementsAre("I1"));
  EXPECT_THAT(Broken({Embed(1), Missing{"b1"}}), ElementsAre("I1"));
  EXPECT_THAT(Broken({Embed(1), Deleted{"b1"}, Seen(1, 0, false)}), ElementsAre("I1"));
}

TEST(InvariantChecker, I1AcknowledgedBatchKeepsItsJobs) {
  EXPECT_THAT(Broken({Embed(2), Seen(1, 0, false)}), ElementsAre("I1"));
}

// Once faults have stopped, every acknowledged batch must be seen, and be finished.
TEST(InvariantChecker, I1AcknowledgedBatchEnds) {
  EXPECT_THAT(Broken({Embed(1), Settled{}}), ElementsAre("I1"));
  EXPECT_THAT(Broken({Embed(1), Seen(1, 0, false), Settled{}}), ElementsAre("I1"));
  EXPECT_THAT(Broken({Embed(1), Settled{}, Seen(1, 0, false)}), ElementsAre("I1"));
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), Seen(1, 0, false)}), IsEmpty());  // the observation just ends
}

TEST(InvariantChecker, I2OutcomeNeverChanges) {
  OutcomeSeen changed = Succeeded(1, 0);
  changed.result = "another vector";
  EXPECT_THAT(Broken(With(Sound(), changed)), ElementsAre("I2"));
  EXPECT_THAT(Broken(With(Sound(), Succeeded(3, 0))), ElementsAre("I2"));
}

TEST(InvariantChecker, I2JobIsRecordedOnceAndStartsNoMore) {
  EXPECT_THAT(
      Broken({Embed(1), Claim(0, 1), Recorded{"b1", 0, 1, "SUCCEEDED"}, Recorded{"b1", 0, 1, "SUCCEEDED"}}),
      ElementsAre("I2"));
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), Succeeded(1, 0), Claim(0, 2, 2)}), ElementsAre("I2"));
}

TEST(InvariantChecker, I2OutcomeIsTheOneThatWasRecorded) {
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), Succeeded(1, 0), Recorded{"b1", 0, 1, "FAILED"}}),
              ElementsAre("I2"));
}

TEST(InvariantChecker, I3CountsAreThoseOfTheOutcomes) {
  EXPECT_THAT(Broken({Embed(2), Succeeded(1, 0), Seen(2, 0, false)}), ElementsAre("I3"));
  BatchSeen failed = Seen(2, 0, false);
  failed.failed = failed.last_sequence = 1;
  EXPECT_THAT(Broken({Embed(2), Succeeded(1, 0), failed}), ElementsAre("I3"));
  EXPECT_THAT(Broken({Embed(2), failed, Succeeded(1, 0)}), ElementsAre("I3"));
  BatchSeen apart = Seen(2, 1, false);
  apart.last_sequence = 2;
  EXPECT_THAT(Broken({Embed(2), apart}), ElementsAre("I3"));
}

TEST(InvariantChecker, I3CountsNeverShrink) {
  EXPECT_THAT(Broken({Embed(2), Seen(2, 1, false), Seen(2, 0, false)}), testing::Contains("I3"));
}

TEST(InvariantChecker, I3BatchIsTerminalExactlyWhenAllIsDone) {
  EXPECT_THAT(Broken({Embed(2), Seen(2, 1, true)}), ElementsAre("I3"));
  EXPECT_THAT(Broken({Embed(1), Seen(1, 1, false)}), ElementsAre("I3"));
}

// The first worker's late commit, after the job was claimed again.
TEST(InvariantChecker, I4NoOutcomeFromAStaleFence) {
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), Claim(0, 2, 2), Recorded{"b1", 0, 1, "SUCCEEDED"}}),
              ElementsAre("I4"));
}

TEST(InvariantChecker, I4NoOutcomeFromALeaseThatWasGivenBack) {
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), Returned{"b1", 0, 1}, Recorded{"b1", 0, 1, "SUCCEEDED"}}),
              ElementsAre("I4"));
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), SessionClosed{1}, Recorded{"b1", 0, 1, "SUCCEEDED"}}),
              ElementsAre("I4"));
}

// Giving back an old fence does not touch the claim that came after it.
TEST(InvariantChecker, I4NoStepUnderAStaleFenceOrTwiceUnderOne) {
  const Stepped first{"b1", 0, 1, "advance"};
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), first, Claim(0, 2)}), IsEmpty());
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), Claim(0, 2), first}), ElementsAre("I4"));
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), first, first}), ElementsAre("I4"));
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), first, Recorded{"b1", 0, 1, "SUCCEEDED"}}), ElementsAre("I4"));
}

TEST(InvariantChecker, I4LateReturnIsHarmless) {
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), Claim(0, 2, 2), Returned{"b1", 0, 1},
                      Recorded{"b1", 0, 2, "SUCCEEDED"}}),
              IsEmpty());
}

TEST(InvariantChecker, I5AttemptsStayWithinTheirBound) {
  EXPECT_THAT(Broken({Limits{.max_attempts = 2}, Embed(1), Claim(0, 1, 3)}), ElementsAre("I5"));
  EXPECT_THAT(Broken({Limits{.max_attempts = 2}, Embed(1), Succeeded(1, 0, 3)}), ElementsAre("I5"));
}

TEST(InvariantChecker, I5OutcomeNamesItsAttempt) {
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1, 2), Recorded{"b1", 0, 1, "SUCCEEDED"}, Succeeded(1, 0, 1)}),
              ElementsAre("I5"));
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1, 2), Succeeded(1, 0, 1), Recorded{"b1", 0, 1, "SUCCEEDED"}}),
              ElementsAre("I5"));
}

TEST(InvariantChecker, I6OneBatchARequest) {
  EXPECT_THAT(Broken({Embed(1, "r", "b1"), Embed(1, "r", "b2")}), ElementsAre("I6"));
  EXPECT_THAT(Broken({Embed(1, "r", "b1"), Deleted{"b1"}, Embed(1, "r", "b2")}), IsEmpty());
  EXPECT_THAT(Broken({Embed(1, "", "b1"), Embed(1, "", "b2")}), IsEmpty());
  Acknowledged other = Embed(1, "r", "b1");
  other.digest = "other digest";
  EXPECT_THAT(Broken({Embed(1, "r", "b1"), other}), ElementsAre("I6"));
  other = Embed(1, "r", "b2");
  other.tenant = "other tenant";
  EXPECT_THAT(Broken({Embed(1, "r", "b1"), other}), IsEmpty());
}

TEST(InvariantChecker, I7NothingStartsAfterTheCancel) {
  EXPECT_THAT(Broken({Embed(1), Cancelled{"b1"}, Claim(0, 1)}), ElementsAre("I7"));
  // What had started may still finish.
  EXPECT_THAT(Broken({Embed(1), Claim(0, 1), Cancelled{"b1"}, Recorded{"b1", 0, 1, "SUCCEEDED"}}), IsEmpty());
}

TEST(InvariantChecker, I8FenceIsGivenOnce) {
  EXPECT_THAT(Broken({Embed(2), Claim(0, 1), Claim(1, 1)}), ElementsAre("I8"));
}

TEST(InvariantChecker, I9QuotaHoldsOverUnfinishedJobs) {
  const Limits limits{.max_attempts = 3, .tenant_jobs = 2};
  EXPECT_THAT(Broken({limits, Embed(2), Embed(1, "", "b2")}), ElementsAre("I9"));
  EXPECT_THAT(Broken({limits, Embed(2), Succeeded(1, 0), Embed(1, "", "b2")}), IsEmpty());
  EXPECT_THAT(Broken({limits, Embed(2), Deleted{"b1"}, Embed(2, "", "b2")}), IsEmpty());
  Acknowledged other = Embed(2, "", "b2");
  other.tenant = "other tenant";
  EXPECT_THAT(Broken({limits, Embed(2), other}), IsEmpty());
}

TEST(InvariantChecker, I10EveryJobIsInOnePlace) {
  EXPECT_THAT(Broken({Places{"", 5, 2, 2, 1}}), IsEmpty());
  EXPECT_THAT(Broken({Places{"", 5, 2, 1, 1}}), ElementsAre("I10"));
  EXPECT_THAT(Broken({Places{"", 5, -1, 5, 1}}), ElementsAre("I10"));
}

TEST(InvariantChecker, I11PlanNeverChanges) {
  EXPECT_THAT(Broken({PlanCommitted{"b1", "plan"}, PlanCommitted{"b1", "plan"}}), IsEmpty());
  EXPECT_THAT(Broken({PlanCommitted{"b1", "plan"}, PlanCommitted{"b1", "other"}}), ElementsAre("I11"));
  BatchSeen seen = Seen(1, 0, false);
  seen.plan = "other";
  EXPECT_THAT(Broken({PlanCommitted{"b1", "plan"}, seen}), ElementsAre("I11"));
}

// 2 appears although 1 was not there before it; 1 appears after 2.
TEST(InvariantChecker, I12SequenceHasNoGapAndIsInCommitOrder) {
  EXPECT_THAT(Broken({Embed(3), Succeeded(2, 1)}), ElementsAre("I12"));
  EXPECT_THAT(Broken({Embed(3), Succeeded(1, 0), Succeeded(1, 1)}), ElementsAre("I12"));
}

TEST(InvariantChecker, I12EveryCountedOutcomeCanBeRead) {
  EXPECT_THAT(Broken({Embed(1), Settled{}, Seen(1, 1, true)}), ElementsAre("I12"));
}

TEST(InvariantChecker, I13WhatThePlanRejectsDoesNotGoOn) {
  History history = SoundScreen();
  history.resize(4);
  EXPECT_THAT(Broken(With(history, Score(1, 9))), ElementsAre("I13"));
  EXPECT_THAT(Broken({PlanCommitted{"b1", "plan"}, Score(1, 9), Survivors{"b1", {0}}}), ElementsAre("I13"));
}

TEST(InvariantChecker, I13WhatThePlanLetsGoOnIsNotRejected) {
  History history = SoundScreen();
  history.resize(4);
  EXPECT_THAT(Broken(With(history, Succeeded(1, 0, 0))), ElementsAre("I13"));
  OutcomeSeen cancelled = Succeeded(1, 0, 0);
  cancelled.kind = "CANCELLED";
  EXPECT_THAT(Broken(With(history, cancelled)), IsEmpty());
}

TEST(InvariantChecker, I16OnlyADeathMakesSuspects) {
  EXPECT_THAT(Broken({Restarted{.died = false, .leased = 2, .suspects = 0, .suspects_after = 1}}),
              ElementsAre("I16"));
  EXPECT_THAT(Broken({Restarted{.died = true, .leased = 2, .suspects = 1, .suspects_after = 4}}),
              ElementsAre("I16"));
  EXPECT_THAT(Broken({Restarted{.died = true, .leased = 2, .suspects = 1, .suspects_after = 3},
                      Restarted{.died = false, .leased = 2, .suspects = 3, .suspects_after = 3}}),
              IsEmpty());
}

TEST(InvariantChecker, I14DeadSessionStaysDead) {
  EXPECT_THAT(Broken({SessionOpened{1, 50}, Claim(0, 1)}), ElementsAre("I14"));
  EXPECT_THAT(Broken({SessionOpened{1, 50}, SessionRenewed{1, 60, 200}}), ElementsAre("I14"));
  EXPECT_THAT(Broken({SessionOpened{1, 500}, SessionClosed{1}, Claim(0, 1)}), ElementsAre("I14"));
  EXPECT_THAT(Broken({SessionOpened{1, 50}, SessionRenewed{1, 40, 200}, Claim(0, 1)}), IsEmpty());
}

}  // namespace
}  // namespace sluice::history
