// Suspects: what was leased when the process died runs again alone, and what dies alone twice is given up.
#include <map>
#include <utility>

#include "core/base/mutex.h"
#include "tests/contract/batch_store_contract.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// With three jobs in flight nobody can tell which one killed the process: all are suspects, and suspects go
// one at a time, before anything else.
TEST_P(BatchStoreContract, SuspectsAreClaimedAloneAndFirst) {
  Create(Embed(), 5);
  ASSERT_THAT(Claim(Session(), 3), SizeIs(3));
  Die();
  const SessionId session = Session();
  for (int64_t suspect = 0; suspect < 3; ++suspect) {
    const std::vector<Claimed> alone = Claim(session);
    ASSERT_THAT(IndicesOf(alone), ElementsAre(suspect));
    EXPECT_THAT(Claim(session), IsEmpty()) << "beside a leased suspect";
    EXPECT_EQ(Commit(alone[0]), CommitResult::kCommitted);
  }
  EXPECT_THAT(IndicesOf(Claim(session)), ElementsAre(3, 4));
}

// Nobody is blamed for a death in company: the attempt is given back, however often it happens.
TEST_P(BatchStoreContract, DeathsInCompanyCostNoAttempt) {
  const Batch batch = Create(Embed(), 2);
  ASSERT_THAT(Claim(Session()), SizeIs(2));
  Die();
  const std::vector<Claimed> again = Claim(Session());
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].attempt, 1);
  EXPECT_EQ(Get(batch.id).counts.done(), 0);
}

// The job to blame kills the process once in company and twice alone; then it FAILS and says why, and every
// innocent job of its batch succeeds.
TEST_P(BatchStoreContract, JobThatKillsItsProcessTwiceAloneIsQuarantined) {
  constexpr int64_t kPoison = 4;
  const Batch batch = Create(Embed(), 8);
  int deaths = 0;
  SessionId session = Session();
  for (std::vector<Claimed> claims = Claim(session, 6); !claims.empty(); claims = Claim(session, 6)) {
    const auto poison = [&](const Claimed& claim) { return claim.job_index == kPoison; };
    if (std::any_of(claims.begin(), claims.end(), poison)) {
      ASSERT_LE(++deaths, 3);
      Die();
      session = Session();
      continue;
    }
    for (const Claimed& claim : claims) EXPECT_EQ(Commit(claim), CommitResult::kCommitted);
  }
  EXPECT_EQ(deaths, 3);
  const Batch ended = Get(batch.id);
  EXPECT_EQ(ended.state, BatchState::kCompletedWithErrors);
  EXPECT_EQ(ended.counts, (BatchCounts{.jobs = 8, .succeeded = 7, .failed = 1}));
  const std::vector<Outcome> outcomes = *store_.Outcomes(batch.id);
  for (const Outcome& outcome : outcomes) {
    if (outcome.kind == OutcomeKind::kSucceeded) continue;
    EXPECT_EQ(outcome.job_index, kPoison);
    EXPECT_EQ(outcome.error_code, absl::StatusCode::kInternal);
    EXPECT_EQ(outcome.error_reason, "QUARANTINED");
    EXPECT_THAT(outcome.error_message, testing::HasSubstr("died 2 times while the job ran alone"));
    EXPECT_EQ(outcome.attempt, 2);
  }
}

// Being the only work in flight is being alone, suspect before or not.
TEST_P(BatchStoreContract, OnlyWorkInFlightDiesAlone) {
  const Batch batch = Create(Embed(), 1);
  ASSERT_THAT(Claim(Session()), SizeIs(1));
  Die();
  const std::vector<Claimed> again = Claim(Session());
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].attempt, 2);
  Die();
  EXPECT_EQ(Get(batch.id).state, BatchState::kFailed);
  EXPECT_EQ(store_.Outcomes(batch.id)->at(0).error_reason, "QUARANTINED");
}

// A process that ends of its own accord, because its store failed or its port was taken, killed nobody and
// was killed by nobody: what it held runs again beside the others, its attempt given back, however often that
// happens.
TEST_P(BatchStoreContract, DeliberateEndIsNoDeath) {
  const Batch batch = Create(Embed(), 3);
  for (const int held : {1, 1, 1, 2, 3}) {
    ASSERT_THAT(Claim(Session(), held), SizeIs(held));
    EndAndStartAgain();
  }
  const std::vector<Claimed> claims = Claim(Session());
  ASSERT_THAT(claims, SizeIs(3)) << "nobody runs alone";
  for (const Claimed& claim : claims) {
    EXPECT_EQ(claim.attempt, 1);
    EXPECT_EQ(Commit(claim), CommitResult::kCommitted);
  }
  EXPECT_EQ(Get(batch.id).state, BatchState::kSucceeded);
}

// A deliberate end speaks for itself alone: a death after it counts as any other, and who was suspect before
// it is suspect still.
TEST_P(BatchStoreContract, DeliberateEndClearsNobody) {
  Create(Embed(), 3);
  ASSERT_THAT(Claim(Session(), 2), SizeIs(2));
  EndAndStartAgain();
  ASSERT_THAT(Claim(Session(), 2), SizeIs(2));
  Die();
  ASSERT_THAT(IndicesOf(Claim(Session())), ElementsAre(0));
  EndAndStartAgain();
  const std::vector<Claimed> again = Claim(Session());
  ASSERT_THAT(IndicesOf(again), ElementsAre(0));
  EXPECT_EQ(again[0].attempt, 1);
}

// A suspect given back by a drain is a suspect still, and its attempt is given back.
TEST_P(BatchStoreContract, ReturnedSuspectStaysSuspect) {
  Create(Embed(), 3);
  ASSERT_THAT(Claim(Session(), 2), SizeIs(2));
  Die();
  const SessionId session = Session();
  const std::vector<Claimed> first = Claim(session);
  ASSERT_THAT(first, SizeIs(1));
  ASSERT_TRUE(store_.Return({Lease(first[0])}).ok());
  const std::vector<Claimed> again = Claim(session);
  EXPECT_THAT(IndicesOf(again), ElementsAre(0));
  EXPECT_EQ(again[0].attempt, 1);
}

// Suspects of a batch that is cancelled hold nobody back.
TEST_P(BatchStoreContract, CancelLetsOthersPastItsSuspects) {
  const Batch suspects = Create(Embed(), 2);
  ASSERT_THAT(Claim(Session()), SizeIs(2));
  const Batch innocent = Create(Embed(), 2);
  Die();
  ASSERT_TRUE(store_.Cancel(suspects.id).ok());
  const std::vector<Claimed> claims = Claim(Session());
  ASSERT_THAT(claims, SizeIs(2));
  EXPECT_EQ(claims[0].batch_id, innocent.id);
}

// A worker of other stages waits as well: nothing runs beside a suspect.
TEST_P(BatchStoreContract, SuspectPlanTaskHoldsJobsBack) {
  ClaimedPlanTask(Session(), 2);
  Die();
  Create(Embed(), 2);
  const SessionId session = Session();
  ClaimRequest jobs{.session = session,
                    .stages = {Stage::kEmbed},
                    .serves = {Stage::kPlan, Stage::kEmbed},
                    .max_claims = 10};
  EXPECT_THAT(*store_.Claim(jobs), IsEmpty());
  const std::vector<Claimed> plan = Claim(session);
  ASSERT_THAT(IndicesOf(plan), ElementsAre(kNoJob));
  EXPECT_THAT(*store_.Claim(jobs), IsEmpty());
  ASSERT_TRUE(store_.CommitPlan(Lease(plan[0]), "plan").ok());
  ASSERT_TRUE(store_.ApplyPlan(Lease(plan[0]), {Rejected(0)}, {{1, 0}}).ok());
  ASSERT_TRUE(store_.FinishPlan(Lease(plan[0])).ok());
  EXPECT_THAT(*store_.Claim(jobs), SizeIs(2));
}

// But a suspect that no such worker will ever take holds it back no more than any other ready job.
TEST_P(BatchStoreContract, SuspectOfAStageThatIsNotServedHoldsNothingBack) {
  ClaimedPlanTask(Session(), 2);
  Die();
  Create(Embed(), 2);
  EXPECT_THAT(*store_.Claim({.session = Session(), .stages = {Stage::kEmbed}, .max_claims = 10}), SizeIs(2));
}

// A suspect that is stuck keeps the next suspect waiting for its time alone, and no longer; so does that one
// with the others.
TEST_P(BatchStoreContract, SuspectKeepsOthersWaitingForItsTimeAlone) {
  Create(Embed(), 4);
  ASSERT_THAT(Claim(Session(), 2), SizeIs(2));
  Die();
  const SessionId session = *store_.Open(absl::Hours(1));
  for (int64_t suspect = 0; suspect < 2; ++suspect) {
    ASSERT_THAT(IndicesOf(Claim(session)), ElementsAre(suspect));
    clock_.Advance(kAloneFor - absl::Seconds(1));
    EXPECT_THAT(Claim(session), IsEmpty());
    clock_.Advance(absl::Seconds(1));
  }
  EXPECT_THAT(IndicesOf(Claim(session)), ElementsAre(2, 3));
}

// A job that is stuck keeps a suspect waiting as short.
TEST_P(BatchStoreContract, StuckJobKeepsSuspectsWaitingForTheSameTime) {
  Create(Embed(), 3);
  ASSERT_THAT(Claim(Session(), 2), SizeIs(2));
  Die();
  const SessionId session = *store_.Open(absl::Hours(1));
  const Claimed suspect = Claim(session).at(0);
  clock_.Advance(kAloneFor);
  ASSERT_THAT(IndicesOf(Claim(session)), ElementsAre(1));
  clock_.Advance(kAloneFor);
  ASSERT_THAT(IndicesOf(Claim(session)), ElementsAre(2));
  ASSERT_TRUE(store_.Return({Lease(suspect)}).ok());
  EXPECT_THAT(Claim(session), IsEmpty()) << "beside a job that has just begun";
  clock_.Advance(kAloneFor);
  EXPECT_THAT(IndicesOf(Claim(session)), ElementsAre(0));
}

// What kills late outstays its time, so others are with it when it does. It is found all the same: it was
// there at the death before, and had its time alone. The others are cleared first, by their outcomes.
TEST_P(BatchStoreContract, SuspectThatKillsAfterItsTimeAloneIsQuarantined) {
  const Batch batch = Create(Embed(), 4);
  ASSERT_THAT(Claim(Session(), 2), SizeIs(2));
  Die();
  SessionId session = *store_.Open(absl::Hours(1));
  ASSERT_THAT(IndicesOf(Claim(session)), ElementsAre(0));
  clock_.Advance(kAloneFor);
  Commit(Claim(session).at(0));
  ASSERT_THAT(IndicesOf(Claim(session)), ElementsAre(2, 3));
  Die();
  session = *store_.Open(absl::Hours(1));
  for (const int64_t innocent : {2, 3}) {
    const std::vector<Claimed> claims = Claim(session);
    ASSERT_THAT(IndicesOf(claims), ElementsAre(innocent));
    EXPECT_EQ(claims[0].attempt, 1);
    Commit(claims[0]);
  }
  ASSERT_THAT(IndicesOf(Claim(session)), ElementsAre(0));
  Die();
  EXPECT_EQ(Get(batch.id).counts, (BatchCounts{.jobs = 4, .succeeded = 3, .failed = 1}));
  EXPECT_EQ(store_.Outcomes(batch.id)->back().error_reason, "QUARANTINED");
}

// A long plan is not blamed for a job that kills beside it: the job goes first then, and dies alone.
TEST_P(BatchStoreContract, KillerBesideALongSuspectIsFoundBeforeItIsBlamed) {
  const Batch planned = Create(Screen(), 1);
  ASSERT_THAT(Claim(Session()), SizeIs(1));
  Die();
  const Batch killer = Create(Embed(), 1);
  int deaths = 0;
  for (; Get(killer.id).state != BatchState::kFailed; ++deaths) {
    ASSERT_LT(deaths, 5);
    const SessionId session = *store_.Open(absl::Hours(1));
    std::vector<Claimed> claims = Claim(session);
    ASSERT_THAT(claims, SizeIs(1));
    if (claims[0].stage == Stage::kPlan) {
      clock_.Advance(kAloneFor);
      claims = Claim(session);
    }
    ASSERT_THAT(claims, SizeIs(1));
    ASSERT_EQ(claims[0].stage, Stage::kEmbed);
    Die();
  }
  EXPECT_EQ(deaths, 3) << "once in company, twice alone";
  EXPECT_EQ(Get(planned.id).counts.done(), 0);
  EXPECT_THAT(IndicesOf(Claim(Session())), ElementsAre(kNoJob));
}

// Cancelled under its worker, a suspect plan lets the others go on at once.
TEST_P(BatchStoreContract, CancelOfALeasedSuspectPlanLetsOthersPast) {
  const std::string suspect = ClaimedPlanTask(Session(), 2).batch_id;
  Die();
  Create(Embed(), 2);
  const SessionId session = Session();
  ASSERT_THAT(IndicesOf(Claim(session)), ElementsAre(kNoJob));
  ASSERT_THAT(Claim(session), IsEmpty());
  ASSERT_TRUE(store_.Cancel(suspect).ok());
  EXPECT_THAT(Claim(session), SizeIs(2));
}

// A plan task runs long, so it may die more often; then every job that waits for it fails.
TEST_P(BatchStoreContract, PlanTaskThatDiesAloneTooOftenFailsItsBatch) {
  const Batch batch = Create(Screen(), 2);
  int deaths = 0;
  for (; !Claim(Session()).empty(); ++deaths) {
    ASSERT_LT(deaths, 10);
    Die();
  }
  EXPECT_EQ(deaths, 5);
  EXPECT_EQ(Get(batch.id).state, BatchState::kFailed);
  const std::vector<Outcome> outcomes = *store_.Outcomes(batch.id);
  ASSERT_THAT(outcomes, SizeIs(2));
  EXPECT_EQ(outcomes[1].error_reason, "QUARANTINED");
  EXPECT_THAT(outcomes[1].error_message, testing::HasSubstr("while the batch's plan ran alone"));
}

// Each step of the plan that is committed shows that so far it does not kill: only deaths in a row count.
TEST_P(BatchStoreContract, PlanTaskThatGetsOnIsNotQuarantined) {
  constexpr int kJobs = 12;
  const Batch batch = Create(Screen(), kJobs);
  for (int64_t job = 0; job < kJobs; ++job) {
    const std::vector<Claimed> plan = Claim(Session());
    ASSERT_THAT(IndicesOf(plan), ElementsAre(kNoJob)) << job;
    ASSERT_TRUE(store_.CommitPlan(Lease(plan[0]), "plan").ok());
    ASSERT_TRUE(store_.ApplyPlan(Lease(plan[0]), {Rejected(job)}, {}).ok());
    Die();
  }
  EXPECT_EQ(Get(batch.id).counts.succeeded, kJobs);
}

class EndedListener final : public StoreListener {
 public:
  void OnReady() override {}
  void OnOutcomes(const std::string&) override {}
  void OnJobsEnded(JobKind kind, OutcomeKind outcome, int64_t jobs) override {
    MutexLock lock(mutex_);
    ended_[{kind, outcome}] += jobs;
  }
  std::map<std::pair<JobKind, OutcomeKind>, int64_t> Take() {
    MutexLock lock(mutex_);
    return std::exchange(ended_, {});
  }

 private:
  Mutex mutex_;
  std::map<std::pair<JobKind, OutcomeKind>, int64_t> ended_ ABSL_GUARDED_BY(mutex_);
};

// What no worker reports, the listener hears from the store: cancelled, expired and given up, each once.
TEST_P(BatchStoreContract, ListenerHearsWhatTheStoreItselfEnds) {
  using Ended = std::map<std::pair<JobKind, OutcomeKind>, int64_t>;
  EndedListener listener;
  engine_->SetListener(&listener);
  const auto take = [&] {
    EXPECT_TRUE(store_.Stats().ok());  // answered after what was told before
    return listener.Take();
  };
  const Batch cancelled = Create(Embed(), 5);
  const std::vector<Claimed> claims = Claim(Session(), 2);
  Commit(claims[0]);
  EXPECT_EQ(take(), Ended{});
  ASSERT_TRUE(store_.Cancel(cancelled.id).ok());
  EXPECT_EQ(take(), (Ended{{{JobKind::kEmbed, OutcomeKind::kCancelled}, 3}}));
  Reap();
  EXPECT_EQ(take(), (Ended{{{JobKind::kEmbed, OutcomeKind::kCancelled}, 1}})) << "the one that was leased";
  NewBatch brief = Screen();
  brief.expires_after = absl::Seconds(1);
  Create(brief, 4);
  Reap();
  EXPECT_EQ(take(), (Ended{{{JobKind::kScreen, OutcomeKind::kExpired}, 4}}));
  Create(Embed(), 1);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    ASSERT_THAT(Claim(Session()), SizeIs(1));
    Reap();
  }
  EXPECT_EQ(take(), (Ended{{{JobKind::kEmbed, OutcomeKind::kFailed}, 1}}));
  engine_->SetListener(nullptr);
}

}  // namespace
}  // namespace sluice
