// Workers: sessions, claims, fences, attempts, outcomes, cancel and expiry under leases.
#include "tests/contract/batch_store_contract.h"

namespace sluice {
namespace {

using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST_P(BatchStoreContract, ClaimHandsOutJobsInOrderOnceEach) {
  const Batch batch = Create(Embed(), 5);
  const SessionId session = Session();
  const std::vector<Claimed> first = Claim(session, 3);
  EXPECT_THAT(IndicesOf(first), ElementsAre(0, 1, 2));
  EXPECT_EQ(first[1].batch_id, batch.id);
  EXPECT_EQ(first[1].kind, JobKind::kEmbed);
  EXPECT_EQ(first[1].stage, Stage::kEmbed);
  EXPECT_EQ(first[1].job_id, "job1");
  EXPECT_EQ(first[1].payload, "payload of job1");
  EXPECT_EQ(first[1].attempt, 1);
  EXPECT_EQ(Get(batch.id).state, BatchState::kRunning);
  EXPECT_THAT(IndicesOf(Claim(session, 3)), ElementsAre(3, 4));
  EXPECT_THAT(Claim(session, 3), IsEmpty());
}

// Batch priority, then creation; a plan task goes before any job, whatever its batch's priority.
TEST_P(BatchStoreContract, ClaimOrderIsPlanTasksThenPriorityThenCreation) {
  NewBatch late = Embed();
  late.priority = 5;
  const std::string low = Create(late, 1).id;
  const std::string a = Create(Embed(), 2).id;
  const std::string b = Create(Embed(), 1).id;
  NewBatch screen = Screen();
  screen.priority = 9;
  const std::string plan = Create(screen, 1).id;
  std::vector<std::string> order;
  for (const Claimed& claim : Claim(Session())) order.push_back(claim.batch_id);
  EXPECT_THAT(order, ElementsAre(plan, a, a, b, low));
}

TEST_P(BatchStoreContract, ClaimTakesOnlyTheStagesAskedFor) {
  Create(Screen(), 1);
  Create(Embed(), 1);
  ClaimRequest request{.session = Session(), .stages = {Stage::kEmbed}, .max_claims = 10};
  EXPECT_THAT(IndicesOf(*store_.Claim(request)), ElementsAre(0));
  request.stages = {Stage::kScore};
  EXPECT_THAT(*store_.Claim(request), IsEmpty());
  request.stages = {Stage::kPlan};
  EXPECT_THAT(IndicesOf(*store_.Claim(request)), ElementsAre(kNoJob));
}

TEST_P(BatchStoreContract, ClaimStopsBeforeTooManyBytesButTakesOne) {
  ASSERT_TRUE(
      store_.Create(Embed(), {{"a", std::string(100, 'a')}, {"b", std::string(100, 'b')}, {"c", "c"}}).ok());
  ClaimRequest request{
      .session = Session(), .stages = {Stage::kEmbed}, .max_claims = 10, .max_payload_bytes = 199};
  EXPECT_THAT(IndicesOf(*store_.Claim(request)), ElementsAre(0));
  request.max_payload_bytes = 1;
  EXPECT_THAT(IndicesOf(*store_.Claim(request)), ElementsAre(1));
}

TEST_P(BatchStoreContract, ClaimRequestOutOfRangeIsInvalid) {
  for (const int claims : {0, 4097}) {
    ClaimRequest request{.session = Session(), .stages = {Stage::kEmbed}, .max_claims = claims};
    EXPECT_THAT(FieldsOf(store_.Claim(request).status()), ElementsAre("max_claims"));
  }
  EXPECT_THAT(FieldsOf(store_.Claim({.session = Session(), .stages = {}}).status()), ElementsAre("stages"));
}

TEST_P(BatchStoreContract, LastOutcomeEndsTheBatch) {
  const Batch batch = Create(Embed(), 2);
  const std::vector<Claimed> claims = Claim(Session());
  EXPECT_EQ(Commit(claims[1]), CommitResult::kCommitted);
  EXPECT_EQ(Get(batch.id).state, BatchState::kRunning);
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(Commit(claims[0]), CommitResult::kCommitted);
  const Batch ended = Get(batch.id);
  EXPECT_EQ(ended.state, BatchState::kSucceeded);
  EXPECT_EQ(ended.counts, (BatchCounts{.jobs = 2, .succeeded = 2}));
  EXPECT_EQ(ended.end_time, clock_.WallNow());
  EXPECT_EQ(ended.last_sequence, 2);
}

TEST_P(BatchStoreContract, EndStateFollowsTheOutcomes) {
  const auto run = [&](std::vector<OutcomeKind> kinds) {
    const Batch batch = Create(Embed(), static_cast<int>(kinds.size()));
    const std::vector<Claimed> claims = Claim(Session());
    for (size_t i = 0; i < kinds.size(); ++i) Commit(claims[i], kinds[i]);
    return Get(batch.id).state;
  };
  EXPECT_EQ(run({OutcomeKind::kSucceeded, OutcomeKind::kFailed}), BatchState::kCompletedWithErrors);
  EXPECT_EQ(run({OutcomeKind::kFailed, OutcomeKind::kFailed}), BatchState::kFailed);
  EXPECT_EQ(run({OutcomeKind::kSucceeded, OutcomeKind::kSucceeded}), BatchState::kSucceeded);
}

TEST_P(BatchStoreContract, OutcomesAreReadInCommitOrderWithoutGaps) {
  const Batch batch = Create(Embed(), 4);
  const std::vector<Claimed> claims = Claim(Session());
  ASSERT_TRUE(store_.Commit({Ended(claims[2], OutcomeKind::kFailed, 0.25), Ended(claims[0])}).ok());
  ASSERT_TRUE(store_.Commit({Ended(claims[3])}).ok());
  const std::vector<Outcome> outcomes = *store_.Outcomes(batch.id);
  ASSERT_THAT(outcomes, SizeIs(3));
  EXPECT_THAT(IdsOf(outcomes), ElementsAre("job2", "job0", "job3"));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outcomes[i].sequence, i + 1);
  EXPECT_EQ(outcomes[0].job_index, 2);
  EXPECT_EQ(outcomes[0].kind, OutcomeKind::kFailed);
  EXPECT_EQ(outcomes[0].score, 0.25);
  EXPECT_EQ(outcomes[0].attempt, 1);
  EXPECT_EQ(outcomes[0].result, "result of job2");
  EXPECT_EQ(outcomes[0].error_code, absl::StatusCode::kDataLoss);
  EXPECT_EQ(outcomes[0].error_reason, "BROKEN");
  EXPECT_EQ(outcomes[1].error_code, absl::StatusCode::kOk);
  EXPECT_THAT(IdsOf(*store_.Outcomes(batch.id, 1, 1)), ElementsAre("job0"));
  EXPECT_THAT(*store_.Outcomes(batch.id, 3), IsEmpty());
  EXPECT_EQ(store_.Outcomes(batch.id, 4).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_P(BatchStoreContract, CommitAnswersOneResultALeaseInOrder) {
  Create(Embed(), 3);
  const std::vector<Claimed> claims = Claim(Session());
  LeasedStep foreign = Ended(claims[1]);
  foreign.lease.fence += 1000;
  LeasedStep unknown = Ended(claims[1]);
  unknown.lease.batch_id = "nonsense";
  const auto results =
      store_.Commit({Ended(claims[0]), foreign, unknown, Ended(claims[2]), Ended(claims[2])});
  EXPECT_THAT(*results, ElementsAre(CommitResult::kCommitted, CommitResult::kFenced, CommitResult::kFenced,
                                    CommitResult::kCommitted, CommitResult::kFenced));
}

// A client switches on a failure's code: one that says OK, or a success with one, is a bug of the worker.
TEST_P(BatchStoreContract, AFailureAndOnlyAFailureHasACode) {
  Create(Embed(), 2);
  const std::vector<Claimed> claims = Claim(Session());
  LeasedStep failed = Ended(claims[0], OutcomeKind::kFailed);
  OutcomeIn(failed).error_code = absl::StatusCode::kOk;
  EXPECT_THAT(FieldsOf(store_.Commit({failed}).status()), ElementsAre("steps[0].error_code"));
  LeasedStep succeeded = Ended(claims[1]);
  OutcomeIn(succeeded).error_code = absl::StatusCode::kInternal;
  EXPECT_THAT(FieldsOf(store_.Commit({Ended(claims[0]), succeeded}).status()),
              ElementsAre("steps[1].error_code"));
  EXPECT_EQ(Commit(claims[0]), CommitResult::kCommitted);
}

TEST_P(BatchStoreContract, ScoreMustBeFinite) {
  Create(Embed(), 2);
  const std::vector<Claimed> claims = Claim(Session());
  const auto status =
      store_.Commit({Ended(claims[0]), Ended(claims[1], OutcomeKind::kSucceeded, NAN)}).status();
  EXPECT_THAT(FieldsOf(status), ElementsAre("steps[1].score"));
  EXPECT_EQ(Commit(claims[0]), CommitResult::kCommitted);
}

TEST_P(BatchStoreContract, RecordedOutcomeNeverChanges) {
  const Batch batch = Create(Embed(), 1);
  const Claimed claim = Claim(Session())[0];
  EXPECT_EQ(Commit(claim, OutcomeKind::kSucceeded, 1), CommitResult::kCommitted);
  EXPECT_EQ(Commit(claim, OutcomeKind::kFailed, 2), CommitResult::kFenced);
  const std::vector<Outcome> outcomes = *store_.Outcomes(batch.id);
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes[0].kind, OutcomeKind::kSucceeded);
  EXPECT_EQ(outcomes[0].score, 1);
  EXPECT_EQ(Get(batch.id).counts, (BatchCounts{.jobs = 1, .succeeded = 1}));
}

// The drill: claimed by 1, reaped, claimed by 2; what 1 brings late changes nothing, and 2 still holds its
// lease.
TEST_P(BatchStoreContract, LateCommitIsFencedAndChangesNothing) {
  const Batch batch = Create(Embed(), 1);
  const Claimed first = Claim(Session())[0];
  EXPECT_EQ(Reap().requeued, 1);
  const Claimed second = Claim(Session())[0];
  EXPECT_GT(second.fence, first.fence);
  EXPECT_EQ(second.attempt, 2);

  EXPECT_EQ(Commit(first, OutcomeKind::kFailed), CommitResult::kFenced);
  EXPECT_THAT(*store_.Outcomes(batch.id), IsEmpty());
  EXPECT_EQ(Get(batch.id).counts.done(), 0);
  ASSERT_TRUE(store_.Return({Lease(first)}).ok());
  EXPECT_THAT(Claim(Session()), IsEmpty());

  EXPECT_EQ(Commit(second), CommitResult::kCommitted);
  EXPECT_EQ(store_.Outcomes(batch.id)->at(0).attempt, 2);
}

// Only the fence rules: a session whose lease ran out but was not reaped may still hand in what it finished.
TEST_P(BatchStoreContract, UnreapedLeaseStillRecords) {
  Create(Embed(), 1);
  const Claimed claim = Claim(Session())[0];
  clock_.Advance(absl::Seconds(60));
  EXPECT_EQ(Commit(claim), CommitResult::kCommitted);
}

TEST_P(BatchStoreContract, DeadSessionClaimsNothingAndIsNeverRevived) {
  Create(Embed(), 1);
  const SessionId session = Session();
  clock_.Advance(absl::Seconds(15));
  EXPECT_EQ(ReasonOf(store_.Heartbeat(session).status()), "SESSION_DEAD");
  const absl::Status status = store_.Claim({.session = session, .stages = {Stage::kEmbed}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "SESSION_DEAD");
  EXPECT_EQ(store_.Sweep()->dead_sessions, 1);
  EXPECT_EQ(ReasonOf(store_.Heartbeat(session).status()), "SESSION_DEAD");
  EXPECT_EQ(ReasonOf(store_.Heartbeat(12345).status()), "SESSION_DEAD");
}

TEST_P(BatchStoreContract, HeartbeatKeepsTheSessionAndItsLeases) {
  Create(Embed(), 1);
  const SessionId session = Session();
  const Claimed claim = Claim(session)[0];
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Seconds(10));
    ASSERT_TRUE(store_.Heartbeat(session).ok());
    EXPECT_EQ(store_.Sweep()->requeued, 0);
  }
  EXPECT_EQ(Commit(claim), CommitResult::kCommitted);
}

// The clock on the wall may jump as it likes: leases go by the monotonic one.
TEST_P(BatchStoreContract, WallClockJumpsEndNoLease) {
  NewBatch batch = Embed();
  batch.expires_after = absl::Hours(1000);
  Create(batch, 1);
  const SessionId session = Session();
  const Claimed claim = Claim(session)[0];
  clock_.JumpWall(absl::Hours(2));
  EXPECT_EQ(store_.Sweep()->dead_sessions, 0);
  EXPECT_TRUE(store_.Heartbeat(session).ok());
  clock_.JumpWall(-absl::Hours(4));
  EXPECT_TRUE(store_.Heartbeat(session).ok());
  EXPECT_EQ(Commit(claim), CommitResult::kCommitted);
}

TEST_P(BatchStoreContract, OverlongAttemptIsTakenFromALivingSession) {
  Create(Embed(), 1);
  const SessionId session = Session();
  const Claimed claim = Claim(session).at(0);
  const absl::Duration longest = StageTable::BuiltIn().At(Stage::kEmbed).longest_attempt;
  for (absl::Duration time; time + absl::Seconds(10) < longest; time += absl::Seconds(10)) {
    clock_.Advance(absl::Seconds(10));
    ASSERT_TRUE(store_.Heartbeat(session).ok());
    ASSERT_EQ(store_.Sweep()->requeued, 0);
  }
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(store_.Sweep()->requeued, 1);
  EXPECT_EQ(Commit(claim), CommitResult::kFenced);
  EXPECT_EQ(Claim(session)[0].attempt, 2);
}

TEST_P(BatchStoreContract, AttemptsRunOutAsFailed) {
  const Batch batch = Create(Embed(), 1);
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    EXPECT_EQ(Claim(Session())[0].attempt, attempt);
    const SweepReply reply = Reap();
    EXPECT_EQ(reply.exhausted, attempt == kMaxAttempts ? 1 : 0);
    EXPECT_EQ(reply.requeued, attempt == kMaxAttempts ? 0 : 1);
  }
  const Outcome outcome = store_.Outcomes(batch.id)->at(0);
  EXPECT_EQ(outcome.kind, OutcomeKind::kFailed);
  EXPECT_EQ(outcome.error_code, absl::StatusCode::kAborted);
  EXPECT_EQ(outcome.error_reason, "ATTEMPTS_EXHAUSTED");
  EXPECT_NE(outcome.error_message, "");
  EXPECT_EQ(outcome.attempt, kMaxAttempts);
  EXPECT_EQ(Get(batch.id).state, BatchState::kFailed);
  EXPECT_THAT(Claim(Session()), IsEmpty());
}

TEST_P(BatchStoreContract, ReturnedAndClosedClaimsGiveTheAttemptBack) {
  Create(Embed(), 2);
  for (int i = 0; i < 2 * kMaxAttempts; ++i) {
    const SessionId session = Session();
    const std::vector<Claimed> claims = Claim(session);
    ASSERT_THAT(claims, SizeIs(2));
    EXPECT_EQ(claims[0].attempt, 1);
    EXPECT_EQ(claims[1].attempt, 1);
    ASSERT_TRUE(store_.Return({Lease(claims[0]), Lease(claims[0])}).ok());
    ASSERT_TRUE(store_.Close(session).ok());
    EXPECT_EQ(ReasonOf(store_.Heartbeat(session).status()), "SESSION_DEAD");
    EXPECT_EQ(Commit(claims[1]), CommitResult::kFenced);
  }
}

TEST_P(BatchStoreContract, FencesAndSessionsAreNeverReused) {
  Create(Embed(), 3);
  std::vector<int64_t> fences;
  SessionId last = 0;
  for (int i = 0; i < 4; ++i) {
    const SessionId session = Session();
    EXPECT_GT(session, last);
    last = session;
    for (const Claimed& claim : Claim(session)) {
      EXPECT_THAT(fences, Each(testing::Ne(claim.fence)));
      fences.push_back(claim.fence);
    }
    ASSERT_TRUE(store_.Close(session).ok());
  }
  EXPECT_THAT(fences, SizeIs(12));
}

// --- cancel and expiry
// -----------------------------------------------------------------------------------------------

TEST_P(BatchStoreContract, CancelBeforeAnyClaimEndsTheBatchAtOnce) {
  const Batch batch = Create(Embed(), 3);
  const Batch cancelled = *store_.Cancel(batch.id);
  EXPECT_EQ(cancelled.state, BatchState::kCancelled);
  EXPECT_EQ(cancelled.counts, (BatchCounts{.jobs = 3, .cancelled = 3}));
  EXPECT_EQ(cancelled.end_time, clock_.WallNow());
  EXPECT_EQ(cancelled.spec, "spec");
  EXPECT_THAT(Claim(Session()), IsEmpty());
  const std::vector<Outcome> outcomes = *store_.Outcomes(batch.id);
  ASSERT_THAT(outcomes, SizeIs(3));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(outcomes[i].sequence, i + 1);
    EXPECT_EQ(outcomes[i].kind, OutcomeKind::kCancelled);
    EXPECT_EQ(outcomes[i].attempt, 0);
  }
}

TEST_P(BatchStoreContract, CancelLetsLeasedJobsFinishAndIsIdempotent) {
  const Batch batch = Create(Embed(), 3);
  const SessionId session = Session();
  const std::vector<Claimed> claims = Claim(session, 1);
  EXPECT_THAT(store_.Heartbeat(session)->cancelled_batches, IsEmpty());
  EXPECT_EQ(store_.Cancel(batch.id)->state, BatchState::kCancelling);
  const Batch again = *store_.Cancel(batch.id);
  EXPECT_EQ(again.state, BatchState::kCancelling);
  EXPECT_EQ(again.counts, (BatchCounts{.jobs = 3, .cancelled = 2}));
  EXPECT_THAT(store_.Heartbeat(session)->cancelled_batches, ElementsAre(batch.id));
  EXPECT_THAT(Claim(session), IsEmpty());
  EXPECT_EQ(Commit(claims[0]), CommitResult::kCommitted);
  const Batch ended = *store_.Cancel(batch.id);
  EXPECT_EQ(ended.state, BatchState::kCancelled);
  EXPECT_EQ(ended.counts, (BatchCounts{.jobs = 3, .succeeded = 1, .cancelled = 2}));
}

// No job of a cancelled batch starts again, whichever way its lease came back.
TEST_P(BatchStoreContract, LeasesOfACancelledBatchComeBackAsCancelled) {
  const Batch batch = Create(Embed(), 3);
  const SessionId first = Session();
  const SessionId second = Session();
  const std::vector<Claimed> claims = Claim(first, 2);
  Claim(second, 1);
  EXPECT_EQ(store_.Cancel(batch.id)->state, BatchState::kCancelling);
  ASSERT_TRUE(store_.Return({Lease(claims[0])}).ok());
  ASSERT_TRUE(store_.Close(second).ok());
  EXPECT_EQ(Get(batch.id).counts.cancelled, 2);
  Reap();
  const Batch ended = Get(batch.id);
  EXPECT_EQ(ended.state, BatchState::kCancelled);
  EXPECT_EQ(ended.counts.cancelled, 3);
  EXPECT_THAT(Claim(Session()), IsEmpty());
}

TEST_P(BatchStoreContract, CancelOfAFinishedBatchAnswersItAsItIs) {
  const Batch batch = Create(Embed(), 1);
  Commit(Claim(Session())[0]);
  EXPECT_EQ(store_.Cancel(batch.id)->state, BatchState::kSucceeded);
  EXPECT_EQ(Get(batch.id).counts.cancelled, 0);
}

// A cancel that came too late to stop anything leaves a batch that simply ended.
TEST_P(BatchStoreContract, CancelThatStopsNothingEndsByTheOutcomes) {
  const Batch batch = Create(Embed(), 1);
  const Claimed claim = Claim(Session())[0];
  EXPECT_EQ(store_.Cancel(batch.id)->state, BatchState::kCancelling);
  Commit(claim);
  EXPECT_EQ(Get(batch.id).state, BatchState::kSucceeded);
}

TEST_P(BatchStoreContract, ExpiryEndsWhatHasNotStarted) {
  NewBatch batch = Embed();
  batch.expires_after = absl::Seconds(10);
  const Batch expiring = Create(batch, 3);
  const Batch staying = Create(Embed(), 1);
  const SessionId session = Session();
  const std::vector<Claimed> claims = Claim(session, 1);
  clock_.Advance(absl::Seconds(9));
  EXPECT_EQ(store_.Sweep()->expired_batches, 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(store_.Sweep()->expired_batches, 1);
  EXPECT_EQ(store_.Sweep()->expired_batches, 0);
  EXPECT_EQ(Get(expiring.id).state, BatchState::kCancelling);
  EXPECT_EQ(Get(expiring.id).counts.expired, 2);
  EXPECT_EQ(Commit(claims[0]), CommitResult::kCommitted);
  EXPECT_EQ(Get(expiring.id).state, BatchState::kExpired);
  EXPECT_EQ(Get(staying.id).state, BatchState::kPending);
}

TEST_P(BatchStoreContract, LeaseOfAnExpiredBatchComesBackAsExpired) {
  NewBatch batch = Embed();
  batch.expires_after = absl::Seconds(1);
  const Batch expiring = Create(batch, 1);
  Claim(Session());
  clock_.Advance(absl::Seconds(2));
  ASSERT_TRUE(store_.Sweep().ok());
  EXPECT_EQ(store_.Cancel(expiring.id)->state, BatchState::kCancelling);
  Reap();
  EXPECT_EQ(Get(expiring.id).state, BatchState::kExpired);
  EXPECT_EQ(store_.Outcomes(expiring.id)->at(0).attempt, 1);
}

// --- deletion, retention, stats, order
// -------------------------------------------------------------------------------

TEST_P(BatchStoreContract, DeleteIsForFinishedBatchesAndForGood) {
  NewBatch batch = Embed();
  batch.request_id = "r";
  const Batch kept = Create(Embed(), 1);
  const Batch doomed = Create(batch, 2);
  const absl::Status early = store_.Delete(doomed.id);
  EXPECT_EQ(early.code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(store_.Cancel(doomed.id).ok());
  ASSERT_TRUE(store_.Delete(doomed.id).ok());
  EXPECT_EQ(store_.Delete(doomed.id).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.Get(doomed.id).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.Outcomes(doomed.id).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store_.Jobs(doomed.id).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(store_.List(10)->batches, SizeIs(1));
  EXPECT_THAT(*store_.Jobs(kept.id), SizeIs(1));
  EXPECT_NE(Create(batch, 2).id, doomed.id);
}

TEST_P(BatchStoreContract, RetentionCountsFromTheEnd) {
  const Batch batch = Create(Embed(), 1);
  const Batch open = Create(Embed(), 1);
  clock_.Advance(absl::Hours(1));
  Commit(Claim(Session(), 1)[0]);
  clock_.Advance(absl::Minutes(59));
  EXPECT_EQ(store_.Sweep(absl::Hours(1))->purged_batches, 0);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(store_.Sweep(absl::Hours(1))->purged_batches, 1);
  EXPECT_EQ(store_.Get(batch.id).status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(store_.Get(open.id).ok());
}

// Each sweep is a bounded step; repeated, it gets everywhere.
TEST_P(BatchStoreContract, RepeatedSweepsReachEverything) {
  NewBatch batch = Embed();
  batch.expires_after = absl::Seconds(1);
  for (int i = 0; i < 40; ++i) Create(batch, 1);
  clock_.Advance(absl::Seconds(2));
  int64_t expired = 0;
  int64_t purged = 0;
  int64_t most_at_once = 0;
  for (int i = 0; i < 60; ++i) {
    const SweepReply reply = *store_.Sweep(absl::ZeroDuration());
    expired += reply.expired_batches;
    purged += reply.purged_batches;
    most_at_once = std::max({most_at_once, reply.expired_batches, reply.purged_batches});
  }
  EXPECT_EQ(expired, 40);
  EXPECT_EQ(purged, 40);
  EXPECT_LT(most_at_once, 40);
  EXPECT_THAT(store_.List(100)->batches, IsEmpty());
}

// Survivors of an applied plan wait for a model; jobs without a plan, leased ones and texts do not.
TEST_P(BatchStoreContract, StatsTellWhatOnlyAModelCanGoOnWith) {
  const SessionId session = Session();
  const Claimed task = ClaimedPlanTask(session, 5);
  Create(Embed(), 2);
  Create(Screen(), 3);
  ASSERT_TRUE(store_.CommitPlan(Lease(task), "plan").ok());
  ASSERT_TRUE(store_.ApplyPlan(Lease(task), {Rejected(0)}, {{1, 0}, {2, 1}, {3, 2}, {4, 3}}).ok());
  ASSERT_TRUE(store_.FinishPlan(Lease(task)).ok());
  EXPECT_EQ(store_.Stats()->planned_jobs(), 4);
  EXPECT_EQ(store_.Stats()->queued_jobs(), 9);
  ClaimRequest request;
  request.session = session;
  request.stages = {Stage::kScore};
  request.max_claims = 3;
  const std::vector<Claimed> claims = *store_.Claim(request);
  ASSERT_THAT(claims, SizeIs(3));
  EXPECT_EQ(store_.Stats()->planned_jobs(), 1);
  Commit(claims[0]);
  ASSERT_TRUE(store_.Return({Lease(claims[1])}).ok());
  EXPECT_EQ(store_.Stats()->planned_jobs(), 2);
  ASSERT_TRUE(store_.Cancel(task.batch_id).ok());
  EXPECT_EQ(store_.Stats()->planned_jobs(), 0);
}

TEST_P(BatchStoreContract, StatsCountWhatIsOpen) {
  Create(Screen(), 4);
  Create(Embed(), 3);
  const std::vector<Claimed> claims = Claim(Session(), 2);
  StoreStats stats = *store_.Stats();
  EXPECT_EQ(stats.kinds[JobKind::kScreen].ready_jobs, 4);
  EXPECT_EQ(stats.kinds[JobKind::kScreen].leased_jobs, 0);
  EXPECT_EQ(stats.kinds[JobKind::kEmbed].ready_jobs, 2);
  EXPECT_EQ(stats.kinds[JobKind::kEmbed].leased_jobs, 1);
  EXPECT_EQ(stats.open_batches, 2);
  EXPECT_THAT(stats.tenant_jobs, testing::ElementsAre(testing::Pair(testing::_, 7)));
  Commit(claims[1]);
  for (const Claimed& claim : Claim(Session())) Commit(claim);
  stats = *store_.Stats();
  EXPECT_EQ(stats.kinds[JobKind::kEmbed].ready_jobs, 0);
  EXPECT_EQ(stats.kinds[JobKind::kEmbed].leased_jobs, 0);
  EXPECT_EQ(stats.open_batches, 1);
}

// A stream of results holds a page for each of its readers: however large results are, a page is not.
TEST_P(BatchStoreContract, APageOfOutcomesIsBoundedInBytes) {
  const Batch batch = Create(Embed(), 8);
  for (const Claimed& claim : Claim(Session())) {
    LeasedStep outcome = Ended(claim);
    OutcomeIn(outcome).result = std::string(400 << 10, 'x');
    ASSERT_TRUE(store_.Commit({outcome}).ok());
  }
  std::vector<size_t> pages;
  for (int64_t after = 0; pages.empty() || pages.back() > 0; after += static_cast<int64_t>(pages.back())) {
    pages.push_back(store_.Outcomes(batch.id, after)->size());
  }
  EXPECT_THAT(pages, ElementsAre(3, 3, 2, 0));
}

// A page is one answer: ten outcomes of 700 KB are three of them, and none is lost where one ends. Half of
// the outcomes tie, so that a page ends within ties and behind them.
TEST_P(BatchStoreContract, RankedPagesEndByTheirBytes) {
  const Batch batch = Create(Embed(), 10);
  const std::vector<Claimed> claims = Claim(Session());
  for (int i = 0; i < 10; ++i) {
    LeasedStep outcome = Ended(claims[i], OutcomeKind::kSucceeded, i < 5 ? 9 : -i);
    OutcomeIn(outcome).result = std::string(700'000, 'x');
    ASSERT_TRUE(store_.Commit({outcome}).ok());
  }
  std::vector<std::string> ids;
  std::vector<size_t> pages;
  std::string token;
  do {
    const RankedPage page = *store_.Ranked(batch.id, 256, token);
    EXPECT_EQ(page.first_rank, static_cast<int64_t>(ids.size()) + 1);
    pages.push_back(page.outcomes.size());
    for (const Outcome& outcome : page.outcomes) ids.push_back(outcome.job_id);
    token = page.next_page_token;
  } while (!token.empty());
  EXPECT_THAT(pages, ElementsAre(4, 4, 2));
  EXPECT_THAT(ids,
              ElementsAre("job0", "job1", "job2", "job3", "job4", "job5", "job6", "job7", "job8", "job9"));
}

// However large it is, one outcome is a page.
TEST_P(BatchStoreContract, ARankedPageHoldsAtLeastOneOutcome) {
  const Batch batch = Create(Embed(), 2);
  for (const Claimed& claim : Claim(Session())) {
    LeasedStep outcome = Ended(claim);
    OutcomeIn(outcome).result = std::string(5'000'000, 'x');
    ASSERT_TRUE(store_.Commit({outcome}).ok());
  }
  const RankedPage page = *store_.Ranked(batch.id, 256);
  EXPECT_THAT(page.outcomes, SizeIs(1));
  EXPECT_THAT(store_.Ranked(batch.id, 256, page.next_page_token)->outcomes, SizeIs(1));
}

TEST_P(BatchStoreContract, RankedIsByScoreThenIdInPages) {
  const Batch batch = Create(Embed(), 7);
  const std::vector<Claimed> claims = Claim(Session());
  EXPECT_EQ(ReasonOf(store_.Ranked(batch.id, 10).status()), "BATCH_NOT_FINISHED");
  const double scores[] = {0.5, 2, 0.5, -1, 2, 0.5, 0};
  for (int i = 0; i < 7; ++i) Commit(claims[i], OutcomeKind::kSucceeded, scores[i]);
  for (const int page_size : {1, 2, 3, 7, 100}) {
    std::vector<std::string> ids;
    std::string token;
    do {
      const RankedPage page = *store_.Ranked(batch.id, page_size, token);
      EXPECT_EQ(page.first_rank, static_cast<int64_t>(ids.size()) + 1);
      EXPECT_LE(page.outcomes.size(), static_cast<size_t>(page_size));
      for (const std::string& id : IdsOf(page.outcomes)) ids.push_back(id);
      token = page.next_page_token;
    } while (!token.empty());
    EXPECT_THAT(ids, ElementsAre("job1", "job4", "job0", "job2", "job5", "job6", "job3"));
  }
}

// A session can tell what it holds here from what it heard of: the answer to a claim may be lost on its way.
TEST_P(BatchStoreContract, HeartbeatNamesTheLeasesOfItsSession) {
  const Batch embed = Create(Embed(), 3);
  const SessionId session = Session();
  const std::vector<Claimed> claims = Claim(session, 2);
  ASSERT_THAT(claims, SizeIs(2));
  ASSERT_THAT(Claim(Session(), 1), SizeIs(1));
  Commit(claims[0]);
  const std::vector<LeaseKey> leases = store_.Heartbeat(session)->leases;
  ASSERT_THAT(leases, SizeIs(1));
  EXPECT_EQ(leases[0].batch_id, embed.id);
  EXPECT_EQ(leases[0].slot, claims[1].slot);
  EXPECT_EQ(leases[0].fence, claims[1].fence);
}

// An attempt that its worker ends without an outcome counts like one that ran out of time, but is over at
// once.
TEST_P(BatchStoreContract, EndedAttemptsCount) {
  const Batch batch = Create(Embed(), 1);
  const SessionId session = Session();
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    const std::vector<Claimed> claims = Claim(session);
    ASSERT_THAT(claims, SizeIs(1));
    EXPECT_EQ(claims[0].attempt, attempt);
    const LeaseKey fenced{batch.id, 0, claims[0].fence + 1000};
    ASSERT_TRUE(store_.EndAttempts({fenced}).ok());
    EXPECT_THAT(Claim(session), IsEmpty());
    ASSERT_TRUE(store_.EndAttempts({Lease(claims[0])}).ok());
  }
  EXPECT_EQ(Get(batch.id).state, BatchState::kFailed);
  EXPECT_EQ(store_.Outcomes(batch.id)->at(0).error_reason, "ATTEMPTS_EXHAUSTED");
}

}  // namespace
}  // namespace sluice
