// Steps: jobs that go through stages, and tasks that jobs are split into.
#include "tests/contract/batch_store_contract.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_P(BatchStoreContract, AnAdvancedJobIsClaimedInItsNextStageWithWhatItMade) {
  const std::string id = Create(Stepped(), 2).id;
  const SessionId session = Session();
  const std::vector<Claimed> first = ClaimOf(session, kSplit);
  EXPECT_EQ(first.at(0).scope, StageScope::kJob);
  EXPECT_EQ(first.at(0).artifact, "");
  EXPECT_EQ(Take(first[1], Advance{.next = kJoin, .artifact = "made"}), CommitResult::kCommitted);
  const Claimed next = ClaimOf(session, kJoin).at(0);
  EXPECT_EQ(next.kind, kStepped);
  EXPECT_EQ(next.stage, kJoin);
  EXPECT_EQ(next.job_index, 1);
  EXPECT_EQ(next.job_id, "job1");
  EXPECT_EQ(next.payload, "payload of job1");
  EXPECT_EQ(next.artifact, "made");
  EXPECT_GT(next.fence, first[1].fence);
  EXPECT_EQ(Commit(next), CommitResult::kCommitted);
  EXPECT_EQ(Commit(first[0]), CommitResult::kCommitted);
  EXPECT_EQ(Get(id).state, BatchState::kSucceeded);
  EXPECT_THAT(IdsOf(*store_.Outcomes(id)), ElementsAre("job1", "job0"));
}

TEST_P(BatchStoreContract, TheLastTaskThatEndsReadiesItsJob) {
  const SessionId session = Session();
  const std::string id = Split(session, 3);
  EXPECT_THAT(ClaimOf(session, kJoin), IsEmpty());
  const std::vector<Claimed> tasks = ClaimOf(session, kPart);
  ASSERT_THAT(tasks, SizeIs(3));
  for (int task = 0; task < 3; ++task) {
    EXPECT_EQ(tasks[task].scope, StageScope::kTask);
    EXPECT_EQ(tasks[task].job_index, 0);
    EXPECT_EQ(tasks[task].task, task);
    EXPECT_EQ(tasks[task].job_id, "job0");
    EXPECT_EQ(tasks[task].payload, absl::StrCat("range ", task));
    EXPECT_EQ(tasks[task].attempt, 1);
  }
  for (const int task : {2, 0}) {
    EXPECT_EQ(Commit(tasks[task]), CommitResult::kCommitted);
    EXPECT_THAT(ClaimOf(session, kJoin), IsEmpty());
  }
  EXPECT_EQ(Get(id).counts.done(), 0);
  EXPECT_EQ(Commit(tasks[1]), CommitResult::kCommitted);
  const Claimed join = ClaimOf(session, kJoin).at(0);
  EXPECT_EQ(join.artifact, "split");
  EXPECT_EQ(Commit(join), CommitResult::kCommitted);
  EXPECT_EQ(Get(id).state, BatchState::kSucceeded);
  EXPECT_THAT(*store_.Outcomes(id), SizeIs(1));
}

TEST_P(BatchStoreContract, TheNextStageReadsHowEachTaskEnded) {
  const SessionId session = Session();
  const std::string id = Split(session, 3);
  const std::vector<Claimed> tasks = ClaimOf(session, kPart);
  EXPECT_THAT(*store_.Tasks(id, 0), IsEmpty());
  ASSERT_EQ(Commit(tasks.at(2)), CommitResult::kCommitted);
  EXPECT_THAT(*store_.Tasks(id, 0), SizeIs(1));
  ASSERT_EQ(Commit(tasks[0], OutcomeKind::kFailed), CommitResult::kCommitted);
  ASSERT_EQ(Commit(tasks[1]), CommitResult::kCommitted);
  const std::vector<TaskEnd> ends = *store_.Tasks(id, 0);
  ASSERT_THAT(ends, SizeIs(3));
  EXPECT_EQ(ends[0].task, 0);
  EXPECT_EQ(ends[0].kind, OutcomeKind::kFailed);
  EXPECT_EQ(ends[0].error_code, absl::StatusCode::kDataLoss);
  EXPECT_EQ(ends[0].error_reason, "BROKEN");
  EXPECT_EQ(ends[2].kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(ends[2].result, "result of job0");
  EXPECT_EQ(ends[2].attempt, 1);
  EXPECT_EQ(store_.Tasks(id, 0, 1, 1)->at(0).task, 1);
  EXPECT_THAT(*store_.Tasks(id, 0, 3), IsEmpty());
  EXPECT_THAT(*store_.Tasks(id, 7), IsEmpty());
  EXPECT_THAT(*store_.Tasks(id, -1), IsEmpty());
  EXPECT_THAT(*store_.Tasks(id, int64_t{1} << 24), IsEmpty()) << "the next batch's";
  EXPECT_EQ(store_.Tasks("00000000000000000000", 0).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(FieldsOf(store_.Tasks(id, 0, 0, 257).status()), ElementsAre("limit"));
}

TEST_P(BatchStoreContract, ATaskThatIsGivenUpEndedAsWellAndItsJobGoesOn) {
  const std::string id = Split(Session(), 2);
  ASSERT_EQ(Commit(ClaimOf(Session(), kPart, 1).at(0)), CommitResult::kCommitted);
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    EXPECT_THAT(ClaimOf(Session(), kJoin), IsEmpty());
    EXPECT_EQ(ClaimOf(Session(), kPart).at(0).attempt, attempt);
    Reap();
  }
  const TaskEnd end = store_.Tasks(id, 0, 1)->at(0);
  EXPECT_EQ(end.kind, OutcomeKind::kFailed);
  EXPECT_EQ(end.error_reason, "ATTEMPTS_EXHAUSTED");
  EXPECT_THAT(end.error_message, HasSubstr("the task was attempted 3 times"));
  EXPECT_THAT(*store_.Outcomes(id), IsEmpty());
  EXPECT_EQ(Commit(ClaimOf(Session(), kJoin).at(0)), CommitResult::kCommitted);
}

TEST_P(BatchStoreContract, ATaskThatKillsTheProcessIsQuarantinedAndItsJobGoesOn) {
  const std::string id = Split(Session(), 2);
  ASSERT_EQ(Commit(ClaimOf(Session(), kPart, 1).at(0)), CommitResult::kCommitted);
  for (int death = 1; death <= 2; ++death) {
    ASSERT_THAT(ClaimOf(Session(), kPart), SizeIs(1));
    Die();
  }
  EXPECT_THAT(ClaimOf(Session(), kPart), IsEmpty());
  EXPECT_EQ(store_.Tasks(id, 0, 1)->at(0).error_reason, "QUARANTINED");
  EXPECT_EQ(Commit(ClaimOf(Session(), kJoin).at(0)), CommitResult::kCommitted);
}

TEST_P(BatchStoreContract, TriesAreCountedAnewInEachStage) {
  Create(Stepped(), 1);
  ClaimOf(Session(), kSplit);
  Reap();
  const Claimed second = ClaimOf(Session(), kSplit).at(0);
  EXPECT_EQ(second.attempt, 2);
  ASSERT_EQ(Take(second, Into(1)), CommitResult::kCommitted);
  const Claimed part = ClaimOf(Session(), kPart).at(0);
  EXPECT_EQ(part.attempt, 1);
  ASSERT_EQ(Commit(part), CommitResult::kCommitted);
  EXPECT_EQ(ClaimOf(Session(), kJoin).at(0).attempt, 1);
}

TEST_P(BatchStoreContract, OnlyTheHolderOfTheFenceTakesAStep) {
  const std::string id = Create(Stepped(), 1).id;
  const Claimed late = ClaimOf(Session(), kSplit).at(0);
  Reap();
  const SessionId session = Session();
  const Claimed holder = ClaimOf(session, kSplit).at(0);
  EXPECT_EQ(Take(late, Advance{.next = kJoin, .artifact = "late"}), CommitResult::kFenced);
  EXPECT_EQ(Take(late, Into(5, "late")), CommitResult::kFenced);
  EXPECT_THAT(ClaimOf(session, kJoin), IsEmpty());
  EXPECT_THAT(ClaimOf(session, kPart), IsEmpty());
  EXPECT_EQ(Take(holder, Into(1, "held")), CommitResult::kCommitted);
  // What was committed may be sent again: it finds its lease gone.
  EXPECT_EQ(Take(holder, Into(1, "held")), CommitResult::kFenced);
  EXPECT_EQ(Take(holder, Advance{.next = kJoin, .artifact = "again"}), CommitResult::kFenced);
  const std::vector<Claimed> tasks = ClaimOf(session, kPart);
  ASSERT_THAT(tasks, SizeIs(1));
  EXPECT_EQ(Commit(tasks[0]), CommitResult::kCommitted);
  EXPECT_EQ(Commit(tasks[0]), CommitResult::kFenced);
  const std::vector<Claimed> joins = ClaimOf(session, kJoin);
  ASSERT_THAT(joins, SizeIs(1));
  EXPECT_EQ(joins[0].artifact, "held");
  EXPECT_EQ(Commit(joins[0]), CommitResult::kCommitted);
  EXPECT_EQ(Get(id).counts.succeeded, 1);
}

TEST_P(BatchStoreContract, StepsThatWereCommittedOutliveTheProcess) {
  const std::string id = Create(Stepped(), 2).id;
  {
    const std::vector<Claimed> splits = ClaimOf(Session(), kSplit);
    ASSERT_EQ(Take(splits.at(0), Into(2)), CommitResult::kCommitted);
    ASSERT_EQ(Take(splits.at(1), Advance{.next = kJoin, .artifact = "made"}), CommitResult::kCommitted);
  }
  EndAndStartAgain();
  EXPECT_EQ(ClaimOf(Session(), kJoin).at(0).artifact, "made");
  EndAndStartAgain();
  ASSERT_EQ(Commit(ClaimOf(Session(), kPart, 1).at(0)), CommitResult::kCommitted);
  EndAndStartAgain();
  EXPECT_THAT(*store_.Tasks(id, 0), SizeIs(1));
  ASSERT_EQ(Commit(ClaimOf(Session(), kPart).at(0)), CommitResult::kCommitted);
  EndAndStartAgain();
  EXPECT_THAT(ClaimOf(Session(), kJoin), SizeIs(2));
}

TEST_P(BatchStoreContract, AWorkerClaimsTheStagesThatItNames) {
  const SessionId session = Session();
  Split(session, 1);
  Create(Stepped(), 1);
  EXPECT_THAT(ClaimOf(session, Stage::kEmbed), IsEmpty());
  EXPECT_EQ(ClaimOf(session, kPart).at(0).stage, kPart);
  EXPECT_EQ(ClaimOf(session, kSplit).at(0).stage, kSplit);
  EXPECT_THAT(FieldsOf(store_.Claim({.session = session, .stages = {static_cast<Stage>(7)}}).status()),
              ElementsAre("stages"));
}

TEST_P(BatchStoreContract, WhatWasBegunIsFinishedFirst) {
  const SessionId session = Session();
  Create(Stepped(), 3);
  const std::vector<Claimed> splits = ClaimOf(session, kSplit, 2);
  ASSERT_EQ(Take(splits.at(0), Into(1)), CommitResult::kCommitted);
  ASSERT_EQ(Take(splits.at(1), Advance{.next = kJoin, .artifact = ""}), CommitResult::kCommitted);
  std::vector<Stage> stages;
  for (const Claimed& claim : Claim(session)) stages.push_back(claim.stage);
  EXPECT_THAT(stages, ElementsAre(kJoin, kPart, kSplit));
}

TEST_P(BatchStoreContract, CancelEndsOpenTasksWithTheirJobs) {
  const SessionId session = Session();
  const std::string id = Split(session, 3);
  const Claimed leased = ClaimOf(session, kPart, 1).at(0);
  const Batch cancelled = *store_.Cancel(id);
  EXPECT_EQ(cancelled.state, BatchState::kCancelled);
  EXPECT_EQ(cancelled.counts.cancelled, 1);
  EXPECT_EQ(store_.Outcomes(id)->at(0).attempt, 0) << "its next stage never started";
  EXPECT_THAT(*store_.Tasks(id, 0), IsEmpty()) << "none ended by itself";
  EXPECT_THAT(Claim(session), IsEmpty());
  EXPECT_EQ(Commit(leased), CommitResult::kFenced);
  EXPECT_THAT(store_.Heartbeat(session)->leases, IsEmpty());
  Reap();
  EXPECT_THAT(Claim(Session()), IsEmpty());
  EXPECT_TRUE(store_.Delete(id).ok());
}

TEST_P(BatchStoreContract, ExpiryEndsOpenTasksWithTheirJobs) {
  NewBatch batch = Stepped();
  batch.expires_after = absl::Seconds(5);
  const std::string id = Create(batch, 1).id;
  const SessionId session = Session();
  ASSERT_EQ(Take(ClaimOf(session, kSplit).at(0), Into(2)), CommitResult::kCommitted);
  const Claimed leased = ClaimOf(session, kPart, 1).at(0);
  clock_.Advance(absl::Seconds(6));
  EXPECT_EQ(store_.Sweep()->expired_batches, 1);
  EXPECT_EQ(Get(id).counts.expired, 1);
  EXPECT_EQ(Commit(leased), CommitResult::kFenced);
  EXPECT_THAT(Claim(session), IsEmpty());
}

TEST_P(BatchStoreContract, AJobOfACancelledBatchThatWouldGoOnIsCancelled) {
  const std::string id = Create(Stepped(), 3).id;
  const SessionId session = Session();
  const std::vector<Claimed> splits = ClaimOf(session, kSplit);
  EXPECT_EQ(store_.Cancel(id)->state, BatchState::kCancelling);
  EXPECT_EQ(Take(splits.at(0), Into(2)), CommitResult::kCommitted);
  EXPECT_EQ(Take(splits.at(1), Advance{.next = kJoin, .artifact = "made"}), CommitResult::kCommitted);
  EXPECT_EQ(Commit(splits.at(2)), CommitResult::kCommitted);
  const Batch batch = Get(id);
  EXPECT_EQ(batch.state, BatchState::kCancelled);
  EXPECT_EQ(batch.counts.cancelled, 2);
  EXPECT_EQ(batch.counts.succeeded, 1);
  EXPECT_THAT(Claim(session), IsEmpty());
}

TEST_P(BatchStoreContract, AJobMayFanOutAgain) {
  const SessionId session = Session();
  const std::string id = Split(session, 3);
  for (const Claimed& task : ClaimOf(session, kPart)) ASSERT_EQ(Commit(task), CommitResult::kCommitted);
  ASSERT_EQ(Take(ClaimOf(session, kJoin).at(0), Into(1, "second")), CommitResult::kCommitted);
  EXPECT_THAT(*store_.Tasks(id, 0), IsEmpty());
  ASSERT_EQ(Commit(ClaimOf(session, kPart).at(0)), CommitResult::kCommitted);
  EXPECT_THAT(*store_.Tasks(id, 0), SizeIs(1));
  const Claimed join = ClaimOf(session, kJoin).at(0);
  EXPECT_EQ(join.artifact, "second");
  EXPECT_EQ(Commit(join), CommitResult::kCommitted);
  EXPECT_THAT(*store_.Tasks(id, 0), SizeIs(1)) << "kept as long as the batch";
}

TEST_P(BatchStoreContract, AJobThatWaitsForItsTasksCountsAsReady) {
  const SessionId session = Session();
  Split(session, 2);
  const auto stats = [&] { return store_.Stats()->kinds[kStepped]; };
  EXPECT_EQ(stats().ready_jobs, 1);
  EXPECT_EQ(stats().leased_jobs, 0);
  const std::vector<Claimed> tasks = ClaimOf(session, kPart);
  EXPECT_EQ(stats().ready_jobs, 1) << "a leased task is no leased job";
  EXPECT_EQ(stats().leased_jobs, 0);
  for (const Claimed& task : tasks) ASSERT_EQ(Commit(task), CommitResult::kCommitted);
  ClaimOf(session, kJoin);
  EXPECT_EQ(stats().ready_jobs, 0);
  EXPECT_EQ(stats().leased_jobs, 1);
}

TEST_P(BatchStoreContract, ATaskIsGivenBackLikeAJob) {
  const SessionId session = Session();
  Split(session, 1);
  const Claimed task = ClaimOf(session, kPart).at(0);
  ASSERT_TRUE(store_.Return({task.key()}).ok());
  EXPECT_EQ(Commit(task), CommitResult::kFenced);
  const Claimed again = ClaimOf(session, kPart).at(0);
  EXPECT_EQ(again.attempt, 1);
  ASSERT_TRUE(store_.Close(session).ok());
  EXPECT_EQ(ClaimOf(Session(), kPart).at(0).attempt, 1);
}

TEST_P(BatchStoreContract, StepsBeyondTheirLimitsAreInvalidAndNothingOfTheCallIsCommitted) {
  Create(Stepped(), 2);
  const SessionId session = Session();
  const std::vector<Claimed> splits = ClaimOf(session, kSplit);
  const std::string too_long(65537, 'x');
  EXPECT_THAT(FieldsOf(Refused(splits.at(0), Advance{.next = kJoin, .artifact = too_long})),
              ElementsAre("steps[0].artifact"));
  EXPECT_THAT(FieldsOf(Refused(splits[0], Into(1, too_long))), ElementsAre("steps[0].artifact"));
  EXPECT_THAT(FieldsOf(Refused(splits[0], Into(0))), ElementsAre("steps[0].tasks"));
  EXPECT_THAT(FieldsOf(Refused(splits[0], Into(4097))), ElementsAre("steps[0].tasks"));
  FanOut long_task = Into(2);
  long_task.tasks[1] = std::string(4097, 'x');
  EXPECT_THAT(FieldsOf(Refused(splits[0], long_task)), ElementsAre("steps[0].tasks[1]"));
  EXPECT_THAT(FieldsOf(store_.Claim({.session = session, .stages = {kSplit, kSplit}}).status()),
              ElementsAre("stages"));
  const auto both = store_.Commit({StepOf(splits[0], Into(1)), StepOf(splits[1], Into(0))});
  EXPECT_THAT(FieldsOf(both.status()), ElementsAre("steps[1].tasks"));
  EXPECT_EQ(Take(splits[0], Into(4096, std::string(65536, 'x'))), CommitResult::kCommitted);
  const std::vector<Claimed> tasks = ClaimOf(session, kPart, 4096);
  ASSERT_THAT(tasks, SizeIs(4096));
  EXPECT_THAT(FieldsOf(Refused(tasks[0], NewOutcome{.result = std::string(4097, 'x')})),
              ElementsAre("steps[0].result"));
  EXPECT_EQ(Take(tasks[0], NewOutcome{.result = std::string(4096, 'x')}), CommitResult::kCommitted);
}

TEST_P(BatchStoreContract, StepsToStagesOfAnotherKindOrScopeAreInvalid) {
  Create(Stepped(), 1);
  const SessionId session = Session();
  const Claimed split = ClaimOf(session, kSplit).at(0);
  for (const Stage wrong : {kPart, Stage::kEmbed, static_cast<Stage>(7)}) {
    EXPECT_THAT(FieldsOf(Refused(split, Advance{.next = wrong, .artifact = ""})),
                ElementsAre("steps[0].next"));
    FanOut fan_out = Into(1);
    fan_out.next = wrong;
    EXPECT_THAT(FieldsOf(Refused(split, fan_out)), ElementsAre("steps[0].next"));
  }
  FanOut fan_out = Into(1);
  fan_out.stage = kJoin;
  EXPECT_THAT(FieldsOf(Refused(split, fan_out)), ElementsAre("steps[0].stage"));
  ASSERT_EQ(Take(split, Into(1)), CommitResult::kCommitted);
  const Claimed task = ClaimOf(session, kPart).at(0);
  EXPECT_THAT(FieldsOf(Refused(task, Advance{.next = kJoin, .artifact = ""})), ElementsAre("steps[0].lease"));
  EXPECT_THAT(FieldsOf(Refused(task, Into(1))), ElementsAre("steps[0].lease"));
  EXPECT_EQ(Commit(task), CommitResult::kCommitted) << "still held after refusals";
}

// Each stage starts its tries anew: a job that could go back would be tried for ever.
TEST_P(BatchStoreContract, AJobGoesOnAndNeverBack) {
  Create(Stepped(), 1);
  Create(Embed(), 1);
  const SessionId session = Session();
  const Claimed split = ClaimOf(session, kSplit).at(0);
  EXPECT_THAT(FieldsOf(Refused(split, Advance{.next = kSplit, .artifact = ""})),
              ElementsAre("steps[0].next"));
  const Claimed embed = ClaimOf(session, Stage::kEmbed).at(0);
  EXPECT_THAT(FieldsOf(Refused(embed, Advance{.next = Stage::kEmbed, .artifact = ""})),
              ElementsAre("steps[0].next"));
  // With tasks in between it may come back to its own stage, and finds what it made.
  FanOut again = Into(1, "first round");
  again.next = kSplit;
  ASSERT_EQ(Take(split, again), CommitResult::kCommitted);
  ASSERT_EQ(Commit(ClaimOf(session, kPart).at(0)), CommitResult::kCommitted);
  const Claimed second = ClaimOf(session, kSplit).at(0);
  EXPECT_EQ(second.artifact, "first round");
  ASSERT_EQ(Take(second, Advance{.next = kJoin, .artifact = "second"}), CommitResult::kCommitted);
  FanOut back = Into(1);
  back.next = kSplit;
  EXPECT_THAT(FieldsOf(Refused(ClaimOf(session, kJoin).at(0), back)), ElementsAre("steps[0].next"));
}

TEST_P(BatchStoreContract, OfTwoStepsUnderOneLeaseInACallTheFirstCounts) {
  const std::string id = Create(Stepped(), 1).id;
  const SessionId session = Session();
  const Claimed split = ClaimOf(session, kSplit).at(0);
  const auto results =
      store_.Commit({StepOf(split, Advance{.next = kJoin, .artifact = "first"}), StepOf(split, Into(2)),
                     StepOf(split, Advance{.next = Stage::kEmbed, .artifact = ""})});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_THAT(*results, ElementsAre(CommitResult::kCommitted, CommitResult::kFenced, CommitResult::kFenced));
  EXPECT_THAT(ClaimOf(session, kPart), IsEmpty());
  EXPECT_EQ(ClaimOf(session, kJoin).at(0).artifact, "first");
  EXPECT_EQ(Get(id).counts.done(), 0);
}

TEST_P(BatchStoreContract, ASuspectThatGoesOnClearsItself) {
  Create(Stepped(), 1);
  ClaimOf(Session(), kSplit);
  Create(Embed(), 1);
  Die();
  const SessionId session = Session();
  EXPECT_THAT(ClaimOf(session, Stage::kEmbed), SizeIs(1)) << "a worker of other stages is not held back";
  const std::vector<Claimed> alone = Claim(session);
  EXPECT_THAT(alone, IsEmpty()) << "the embed job has its time alone";
  clock_.Advance(kAloneFor);
  ASSERT_TRUE(store_.Heartbeat(Session()).ok());
  const SessionId next = Session();
  const Claimed suspect = Claim(next).at(0);
  ASSERT_EQ(suspect.stage, kSplit);
  Create(Embed(), 1);
  EXPECT_THAT(Claim(next), IsEmpty());
  ASSERT_EQ(Take(suspect, Into(2)), CommitResult::kCommitted);
  EXPECT_THAT(Claim(next), SizeIs(3)) << "its tasks and the other batch's job";
}

// What a plan let go on is beyond the plan: it is given up, the jobs that wait for it fail, those that wait
// for their tasks go on.
TEST_P(BatchStoreContract, APlanThatIsGivenUpLeavesJobsThatWaitForTheirTasksAlone) {
  NewBatch batch = Stepped();
  batch.kind = kPlanned;
  const std::string id = Create(batch, 3).id;
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    const SessionId session = Session();
    const Claimed plan = ClaimOf(session, kPlannedPlan).at(0);
    EXPECT_EQ(plan.scope, StageScope::kBatch);
    if (attempt == 1) {
      ASSERT_TRUE(store_.ApplyPlan(plan.key(), {}, {{.job_index = 1, .stage = kPlannedSplit}}).ok());
      FanOut fan_out{.stage = kPlannedPart, .tasks = {"range"}, .next = kPlannedJoin, .artifact = "made"};
      ASSERT_EQ(Take(ClaimOf(session, kPlannedSplit).at(0), fan_out), CommitResult::kCommitted);
      ASSERT_TRUE(
          store_.ApplyPlan(plan.key(), {Rejected(1)}, {{.job_index = 1, .stage = kPlannedSplit}}).ok());
      EXPECT_EQ(store_.FinishPlan(plan.key()).code(), absl::StatusCode::kFailedPrecondition);
    }
    Reap();
  }
  const Batch given_up = Get(id);
  EXPECT_EQ(given_up.counts.failed, 2);
  EXPECT_EQ(given_up.counts.done(), 2);
  const SessionId session = Session();
  ASSERT_EQ(Commit(ClaimOf(session, kPlannedPart).at(0)), CommitResult::kCommitted);
  ASSERT_EQ(Commit(ClaimOf(session, kPlannedJoin).at(0)), CommitResult::kCommitted);
  EXPECT_EQ(Get(id).state, BatchState::kCompletedWithErrors);
}

TEST_P(BatchStoreContract, ABatchsOwnTaskTakesNoSteps) {
  const Claimed plan = ClaimedPlanTask(Session(), 2);
  EXPECT_EQ(plan.scope, StageScope::kBatch);
  EXPECT_THAT(FieldsOf(Refused(plan, NewOutcome{})), ElementsAre("steps[0].lease"));
  EXPECT_THAT(FieldsOf(Refused(plan, Into(1))), ElementsAre("steps[0].lease"));
  const absl::Status wrong =
      store_.ApplyPlan(plan.key(), {}, {{.job_index = 0, .priority = 0, .stage = kJoin}});
  EXPECT_THAT(FieldsOf(wrong), ElementsAre("survivors[0].stage"));
}

TEST_P(BatchStoreContract, JobsOfOneBatchAreSplitApart) {
  const std::string id = Create(Stepped(), 3).id;
  const SessionId session = Session();
  for (const Claimed& split : ClaimOf(session, kSplit))
    ASSERT_EQ(Take(split, Into(2, absl::StrCat("of ", split.job_id))), CommitResult::kCommitted);
  const std::vector<Claimed> tasks = ClaimOf(session, kPart);
  ASSERT_THAT(tasks, SizeIs(6));
  for (const Claimed& task : tasks) {
    if (task.job_index == 1) {
      ASSERT_EQ(Commit(task), CommitResult::kCommitted);
    }
  }
  const std::vector<Claimed> joins = ClaimOf(session, kJoin);
  ASSERT_THAT(joins, SizeIs(1));
  EXPECT_EQ(joins[0].job_index, 1);
  EXPECT_EQ(joins[0].artifact, "of job1");
  EXPECT_EQ(Get(id).counts.done(), 0);
}

}  // namespace

}  // namespace sluice
