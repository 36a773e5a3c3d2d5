// The plan task: its three steps under the fence, each repeatable; and what the listener hears.
#include "core/base/mutex.h"
#include "tests/contract/batch_store_contract.h"

namespace sluice {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST_P(BatchStoreContract, ScreenBatchStartsAsOnePlanTask) {
  const Batch batch = Create(Screen(), 3);
  const std::vector<Claimed> claims = Claim(Session());
  ASSERT_THAT(claims, SizeIs(1));
  EXPECT_EQ(claims[0].stage, Stage::kPlan);
  EXPECT_EQ(claims[0].kind, JobKind::kScreen);
  EXPECT_EQ(claims[0].job_index, kNoJob);
  EXPECT_EQ(claims[0].job_id, "");
  EXPECT_EQ(claims[0].payload, "");
  EXPECT_EQ(Get(batch.id).state, BatchState::kRunning);
}

TEST_P(BatchStoreContract, PlanRejectsSomeAndReadiesTheRestBestFirst) {
  const SessionId session = Session();
  const Claimed task = ClaimedPlanTask(session, 5);
  EXPECT_EQ(*store_.CommitPlan(Lease(task), "the plan"), "the plan");
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(1, 0.5), Rejected(3)}, {{0, 2}, {2, 0}, {4, 1}}).ok());
  ASSERT_TRUE(store_.FinishPlan(Lease(task)).ok());
  const Batch batch = Get(task.batch_id);
  EXPECT_EQ(batch.plan, "the plan");
  EXPECT_TRUE(batch.plan_applied);
  EXPECT_EQ(batch.counts, (BatchCounts{.jobs = 5, .succeeded = 2}));
  const Outcome rejected = store_.Outcomes(task.batch_id)->at(0);
  EXPECT_EQ(rejected.job_id, "job1");
  EXPECT_EQ(rejected.attempt, 0);
  EXPECT_EQ(rejected.score, 0.5);
  EXPECT_EQ(rejected.result, "rejected");
  const std::vector<Claimed> survivors = Claim(session);
  EXPECT_THAT(IndicesOf(survivors), ElementsAre(2, 4, 0));
  EXPECT_EQ(survivors[0].stage, Stage::kScore);
  EXPECT_EQ(survivors[0].payload, "payload of job2");
  for (const Claimed& claim : survivors) Commit(claim);
  EXPECT_EQ(Get(task.batch_id).state, BatchState::kSucceeded);
}

TEST_P(BatchStoreContract, SurvivorsCanBeClaimedBeforeThePlanIsFinished) {
  const SessionId session = Session();
  const Claimed task = ClaimedPlanTask(session, 3);
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {}, {{1, 0}}).ok());
  EXPECT_THAT(IndicesOf(Claim(session)), ElementsAre(1));
}

TEST_P(BatchStoreContract, PlanNeverChanges) {
  const Claimed first = ClaimedPlanTask(Session(), 2);
  EXPECT_EQ(*store_.CommitPlan(Lease(first), "one"), "one");
  EXPECT_EQ(*store_.CommitPlan(Lease(first), "two"), "one");
  Reap();
  const Claimed second = Claim(Session())[0];
  EXPECT_EQ(second.attempt, 2);
  EXPECT_EQ(*store_.CommitPlan(Lease(second), "three"), "one");
  EXPECT_EQ(Get(first.batch_id).plan, "one");
}

// The second task of a crashed one applies the whole plan again: what is past waiting is skipped.
TEST_P(BatchStoreContract, ApplyPlanIsRepeatable) {
  const SessionId worker = Session();
  const Claimed first = ClaimedPlanTask(Session(), 5);
  const std::vector<NewOutcome> rejected = {Rejected(0), Rejected(1)};
  const std::vector<PlannedJob> survivors = {{2, 0}, {3, 1}, {4, 2}};
  ASSERT_TRUE(store_.ApplyPlan(Lease(first), {rejected[0]}, {survivors[0], survivors[1]}).ok());
  const std::vector<Claimed> running = Claim(worker);
  ASSERT_THAT(IndicesOf(running), ElementsAre(2, 3));
  Commit(running[0]);
  clock_.Advance(absl::Seconds(10));
  ASSERT_TRUE(store_.Heartbeat(worker, absl::Minutes(1)).ok());
  EXPECT_EQ(Reap().requeued, 1);

  const Claimed second = Claim(Session())[0];
  ASSERT_EQ(second.job_index, kNoJob);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(store_.ApplyPlan(Lease(second), rejected, survivors).ok());
  ASSERT_TRUE(store_.FinishPlan(Lease(second)).ok());
  EXPECT_THAT(IdsOf(*store_.Outcomes(first.batch_id)), ElementsAre("job0", "job2", "job1"));
  EXPECT_EQ(Commit(running[1]), CommitResult::kCommitted);
  const std::vector<Claimed> rest = Claim(worker);
  EXPECT_THAT(IndicesOf(rest), ElementsAre(4));
  Commit(rest[0]);
  EXPECT_EQ(Get(first.batch_id).state, BatchState::kSucceeded);
}

TEST_P(BatchStoreContract, JobNamedTwiceInAPlanIsPlacedOnce) {
  const Claimed task = ClaimedPlanTask(Session(), 2);
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(0), Rejected(0)}, {{0, 0}, {1, 0}, {1, 1}}).ok());
  EXPECT_EQ(Get(task.batch_id).counts.succeeded, 1);
  EXPECT_THAT(IndicesOf(Claim(Session())), ElementsAre(1));
}

TEST_P(BatchStoreContract, PlanOfUnknownJobsIsInvalidAndChangesNothing) {
  const Claimed task = ClaimedPlanTask(Session(), 2);
  EXPECT_THAT(FieldsOf(store_.ApplyPlan(Lease(task), {Rejected(0), Rejected(2)}, {})),
              ElementsAre("rejected[1].job_index"));
  EXPECT_THAT(FieldsOf(store_.ApplyPlan(Lease(task), {}, {{-1, 0}})), ElementsAre("survivors[0].job_index"));
  EXPECT_EQ(Get(task.batch_id).counts.done(), 0);
}

TEST_P(BatchStoreContract, PlanCannotBeFinishedWhileAJobWaits) {
  const Claimed task = ClaimedPlanTask(Session(), 2);
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(0)}, {}).ok());
  EXPECT_EQ(store_.FinishPlan(Lease(task)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_FALSE(Get(task.batch_id).plan_applied);
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {}, {{1, 0}}).ok());
  EXPECT_TRUE(store_.FinishPlan(Lease(task)).ok());
}

TEST_P(BatchStoreContract, PlanThatRejectsAllEndsTheBatch) {
  const Claimed task = ClaimedPlanTask(Session(), 2);
  ASSERT_TRUE(store_.CommitPlan(Lease(task), "plan").ok());
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(0), Rejected(1)}, {}).ok());
  EXPECT_EQ(Get(task.batch_id).state, BatchState::kSucceeded);
  EXPECT_TRUE(store_.FinishPlan(Lease(task)).ok());
  EXPECT_TRUE(Get(task.batch_id).plan_applied);
  EXPECT_EQ(store_.FinishPlan(Lease(task)).code(), absl::StatusCode::kAborted);
}

// The worker died between the last rejection and FinishPlan: nothing is left to claim, and the plan counts as
// applied.
TEST_P(BatchStoreContract, DeadPlanTaskOfAFinishedBatchIsNotClaimedAgain) {
  const Claimed task = ClaimedPlanTask(Session(), 1);
  ASSERT_TRUE(store_.CommitPlan(Lease(task), "plan").ok());
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(0)}, {}).ok());
  Reap();
  EXPECT_THAT(Claim(Session()), IsEmpty());
  EXPECT_TRUE(Get(task.batch_id).plan_applied);
}

// The plan task waits for another try when the batch's last survivor ends, and the batch is deleted: what is
// left of the task must not stand in the way of other batches.
TEST_P(BatchStoreContract, ADeletedBatchLeavesNoPlanTaskBehind) {
  const Claimed task = ClaimedPlanTask(Session(), 1);
  ASSERT_TRUE(store_.CommitPlan(Lease(task), "plan").ok());
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {}, {{0, 0}}).ok());
  ASSERT_TRUE(store_.Return({Lease(task)}).ok());
  const auto survivors =
      store_.Claim({.session = Session(), .stages = {Stage::kScore}, .max_claims = 1}).value();
  ASSERT_EQ(Commit(survivors.at(0)), CommitResult::kCommitted);
  ASSERT_TRUE(store_.Delete(task.batch_id).ok());

  Create(Screen(), 1);
  EXPECT_THAT(IndicesOf(Claim(Session())), ElementsAre(kNoJob));
}

TEST_P(BatchStoreContract, LatePlanStepsAreFenced) {
  const Claimed first = ClaimedPlanTask(Session(), 2);
  Reap();
  const Claimed second = Claim(Session())[0];
  const LeaseKey late = Lease(first);
  for (const absl::Status& status :
       {store_.CommitPlan(late, "late").status(), store_.ApplyPlan(late, {Rejected(0)}, {{1, 0}}),
        store_.FinishPlan(late)}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
    EXPECT_EQ(ReasonOf(status), "FENCED");
  }
  EXPECT_EQ(Get(first.batch_id).counts.done(), 0);
  EXPECT_EQ(*store_.CommitPlan(Lease(second), "mine"), "mine");
}

TEST_P(BatchStoreContract, PlanStepsAndOutcomesDoNotMix) {
  const Claimed task = ClaimedPlanTask(Session(), 1);
  EXPECT_THAT(FieldsOf(store_.Commit({Ended(task)}).status()), ElementsAre("steps[0].lease"));
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {}, {{0, 0}}).ok());
  const Claimed job = Claim(Session())[0];
  EXPECT_THAT(FieldsOf(store_.FinishPlan(Lease(job))), ElementsAre("task"));
}

TEST_P(BatchStoreContract, ReturnedPlanTaskIsClaimedAgainAtTheSameAttempt) {
  const Claimed task = ClaimedPlanTask(Session(), 1);
  ASSERT_TRUE(store_.Return({Lease(task)}).ok());
  const std::vector<Claimed> again = Claim(Session());
  ASSERT_THAT(IndicesOf(again), ElementsAre(kNoJob));
  EXPECT_EQ(again[0].attempt, 1);
}

// What it had readied goes on; what still waits fails.
TEST_P(BatchStoreContract, PlanTaskOutOfAttemptsFailsTheWaitingJobs) {
  const Claimed task = ClaimedPlanTask(Session(), 3);
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {}, {{1, 0}}).ok());
  Reap();
  for (int attempt = 2; attempt <= kMaxAttempts; ++attempt) {
    ClaimRequest request{.session = Session(), .stages = {Stage::kPlan}};
    EXPECT_EQ(store_.Claim(request)->at(0).attempt, attempt);
    EXPECT_EQ(Reap().exhausted, attempt == kMaxAttempts ? 1 : 0);
  }
  const std::vector<Outcome> outcomes = *store_.Outcomes(task.batch_id);
  ASSERT_THAT(IdsOf(outcomes), testing::UnorderedElementsAre("job0", "job2"));
  for (const Outcome& outcome : outcomes) {
    EXPECT_EQ(outcome.kind, OutcomeKind::kFailed);
    EXPECT_EQ(outcome.error_code, absl::StatusCode::kAborted);
    EXPECT_EQ(outcome.error_reason, "ATTEMPTS_EXHAUSTED");
  }
  const std::vector<Claimed> claims = Claim(Session());
  ASSERT_THAT(IndicesOf(claims), ElementsAre(1));
  Commit(claims[0]);
  EXPECT_EQ(Get(task.batch_id).state, BatchState::kCompletedWithErrors);
}

TEST_P(BatchStoreContract, CancelTakesThePlanTaskAway) {
  const Claimed task = ClaimedPlanTask(Session(), 2);
  const Batch cancelled = *store_.Cancel(task.batch_id);
  EXPECT_EQ(cancelled.state, BatchState::kCancelled);
  EXPECT_EQ(cancelled.counts.cancelled, 2);
  EXPECT_EQ(ReasonOf(store_.ApplyPlan(Lease(task), {Rejected(0)}, {})), "FENCED");
  EXPECT_EQ(ReasonOf(store_.CommitPlan(Lease(task), "late").status()), "FENCED");
  EXPECT_EQ(ReasonOf(store_.FinishPlan(Lease(task))), "FENCED");
  EXPECT_THAT(Claim(Session()), IsEmpty());
}

TEST_P(BatchStoreContract, CancelInTheMiddleOfAPlan) {
  const SessionId session = Session();
  const Claimed task = ClaimedPlanTask(session, 4);
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(0)}, {{1, 0}, {2, 1}}).ok());
  const Claimed running = Claim(session, 1)[0];
  const Batch cancelling = *store_.Cancel(task.batch_id);
  EXPECT_EQ(cancelling.state, BatchState::kCancelling);
  EXPECT_EQ(cancelling.counts, (BatchCounts{.jobs = 4, .succeeded = 1, .cancelled = 2}));
  EXPECT_EQ(Commit(running), CommitResult::kCommitted);
  EXPECT_EQ(Get(task.batch_id).state, BatchState::kCancelled);
}

TEST_P(BatchStoreContract, DeletedBatchFencesItsPlanTask) {
  const Claimed task = ClaimedPlanTask(Session(), 1);
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(0)}, {}).ok());
  ASSERT_TRUE(store_.Delete(task.batch_id).ok());
  EXPECT_EQ(ReasonOf(store_.FinishPlan(Lease(task))), "FENCED");
}

// --- the listener
// ----------------------------------------------------------------------------------------------------

class RecordingListener final : public StoreListener {
 public:
  void OnReady() override {
    MutexLock lock(mutex_);
    ++ready_;
  }
  void OnOutcomes(const std::string& batch_id) override {
    MutexLock lock(mutex_);
    batches_.push_back(batch_id);
  }
  void OnBatchEnded(const std::string& batch_id) override {
    MutexLock lock(mutex_);
    EXPECT_THAT(batches_, Contains(batch_id)) << "the change itself comes first";
    ended_.push_back(batch_id);
  }
  int TakeReady() {
    MutexLock lock(mutex_);
    return std::exchange(ready_, 0);
  }
  std::vector<std::string> TakeBatches() {
    MutexLock lock(mutex_);
    return std::exchange(batches_, {});
  }
  std::vector<std::string> TakeEnded() {
    MutexLock lock(mutex_);
    return std::exchange(ended_, {});
  }

 private:
  Mutex mutex_;
  int ready_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::string> batches_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> ended_ ABSL_GUARDED_BY(mutex_);
};

// An answer comes before its notification, so each step is closed by a call that changes nothing.
TEST_P(BatchStoreContract, ListenerHearsOfWorkAndOfChanges) {
  RecordingListener listener;
  engine_->SetListener(&listener);
  const auto settle = [&] { ASSERT_TRUE(store_.Stats().ok()); };
  const SessionId session = Session();
  settle();
  EXPECT_EQ(listener.TakeReady(), 0);

  const Batch batch = Create(Screen(), 3);
  settle();
  EXPECT_EQ(listener.TakeReady(), 1);
  listener.TakeBatches();

  const Claimed task = Claim(session)[0];
  settle();
  EXPECT_EQ(listener.TakeReady(), 0);
  EXPECT_THAT(listener.TakeBatches(), ElementsAre(batch.id));  // it runs now

  ASSERT_TRUE(store_.CommitPlan(Lease(task), "plan").ok());
  settle();
  EXPECT_THAT(listener.TakeBatches(), ElementsAre(batch.id));

  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(0), Rejected(1)}, {{2, 0}}).ok());
  settle();
  EXPECT_EQ(listener.TakeReady(), 1);
  EXPECT_THAT(listener.TakeBatches(), ElementsAre(batch.id));  // once, though there are two outcomes

  const Claimed job = Claim(session)[0];
  ASSERT_TRUE(store_.Return({Lease(job)}).ok());
  settle();
  EXPECT_EQ(listener.TakeReady(), 1);
  EXPECT_THAT(listener.TakeBatches(), IsEmpty());

  EXPECT_EQ(Commit(job), CommitResult::kFenced);
  settle();
  EXPECT_THAT(listener.TakeBatches(), IsEmpty());
  EXPECT_THAT(listener.TakeEnded(), IsEmpty());

  ASSERT_TRUE(store_.Cancel(batch.id).ok());
  settle();
  EXPECT_THAT(listener.TakeBatches(), ElementsAre(batch.id));
  EXPECT_THAT(listener.TakeEnded(), ElementsAre(batch.id));

  NewBatch brief = Embed();
  brief.expires_after = absl::Seconds(1);
  const Batch late = Create(brief, 1);
  clock_.Advance(absl::Seconds(2));
  ASSERT_TRUE(store_.Sweep().ok());
  settle();
  EXPECT_THAT(listener.TakeEnded(), Contains(late.id));

  const Batch last = Create(Embed(), 1);
  const std::vector<Claimed> claimed = Claim(session);
  ASSERT_EQ(claimed.size(), 1u);
  settle();
  listener.TakeBatches();
  EXPECT_EQ(Commit(claimed[0]), CommitResult::kCommitted);
  settle();
  EXPECT_THAT(listener.TakeEnded(), Contains(last.id));

  engine_->SetListener(nullptr);
  listener.TakeReady();
  Create(Embed(), 1);
  settle();
  EXPECT_EQ(listener.TakeReady(), 0);
}

// Calls from many threads at once: each is answered once, and the numbers add up.
TEST_P(BatchStoreContract, ManyCallsInFlightAreAllAnswered) {
  constexpr int kBatches = 200;
  Mutex mutex;
  CondVar changed;
  int answered = 0;
  int created = 0;
  for (int i = 0; i < kBatches; ++i) {
    engine_->CreateBatch(Embed(), Jobs(i % 3), [&](absl::StatusOr<Batch> batch) {
      MutexLock lock(mutex);
      ++answered;
      if (batch.ok()) ++created;
      changed.NotifyAll();
    });
  }
  {
    MutexLock lock(mutex);
    while (answered < kBatches) changed.Wait(mutex);
    EXPECT_EQ(created, 133);
  }
  EXPECT_THAT(store_.List(1000)->batches, SizeIs(133));
  EXPECT_EQ(store_.Stats()->kinds[JobKind::kEmbed].ready_jobs, 66 * 2 + 67);
}

}  // namespace
}  // namespace sluice
