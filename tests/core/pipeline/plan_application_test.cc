#include "core/pipeline/plan_application.h"

#include <map>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "core/base/error_details.h"
#include "core/pipeline/page_screening.h"
#include "gmock/gmock.h"
#include "tests/core/pipeline/plan_rig.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// The more of the profile's words, the better; no two neighbours are worth the same.
std::vector<std::string> MixedPostings(int n) {
  std::vector<std::string> postings;
  for (int i = 0; i < n; ++i) {
    std::string text = "number";
    for (int word = 0; word < (i * 7) % 11; ++word) absl::StrAppend(&text, " storage engineer");
    for (int word = 0; word < i % 5; ++word) absl::StrAppend(&text, " driver");
    postings.push_back(text);
  }
  return postings;
}

// Counts the verdicts that were encoded.
class CountingCodec final : public LineCodec {
 public:
  std::string EncodeVerdict(const Verdict& verdict) const override {
    ++encoded;
    return LineCodec::EncodeVerdict(verdict);
  }
  mutable int encoded = 0;
};

// A plan applied on a rig, to a batch of its own.
class ApplicationOnRig {
 public:
  ApplicationOnRig(std::string batch_spec, std::vector<std::string> batch_payloads,
                   PlanRig::Options options = {})
      : rig(options),
        spec(std::move(batch_spec)),
        payloads(std::move(batch_payloads)),
        lease(rig.ClaimPlan(spec, payloads)) {}

  PhaseOneAnswers ScreenPostings(int64_t kept_bytes) {
    std::optional<PhaseOneAnswers> answers;
    PhaseOnePass::Run(
        PlanLease(rig.context_, lease), {codec, screener, as_of},
        KeptResults(static_cast<int64_t>(payloads.size()), kept_bytes, rig.context_.kept_result_bytes),
        [&answers](PhaseOneAnswers given) { answers = std::move(given); });
    rig.Settle();
    return *std::move(answers);
  }
  GatePlan Decided(const PhaseOneAnswers& answers) const {
    return DecideGate(codec.DecodeScreenSpec(spec)->gate, answers.summaries, /*has_model=*/true, "model-1",
                      as_of)
        .plan;
  }
  void Start(absl::StatusOr<GatePlan> plan, PhaseOneAnswers answers) {
    PlanApplication::Run(PlanLease(rig.context_, lease),
                         {.codec = codec,
                          .screener = plan.ok() ? screener : nullptr,
                          .plan = std::move(plan),
                          .answers = std::move(answers)},
                         [this] { ++applied; });
  }
  // The whole of it: screens, decides, applies.
  void Run(int64_t kept_bytes = 0) {
    PhaseOneAnswers answers = ScreenPostings(kept_bytes);
    const GatePlan plan = Decided(answers);
    Start(plan, std::move(answers));
    rig.Settle();
  }
  // What the contract says of a job that is not encoded, one after the other.
  std::string VerdictByHand(const GatePlan& plan, int64_t job) const {
    WorkBudget budget;
    const StoredJob stored{job, absl::StrCat("job-", job), payloads[static_cast<size_t>(job)]};
    const Explained explained = ExplainJob(codec, *screener, plan.as_of, stored, budget);
    if (!explained.ok()) return absl::StrCat("FAILED ", ReasonOf(explained.status()), " ");
    return absl::StrCat("SUCCEEDED  ",
                        codec.LineCodec::EncodeVerdict(screener->VerdictWithoutModel(plan, *explained)));
  }
  int Calls(const std::string& method) const { return rig.store_.Calls(method); }

  PlanRig rig;
  CountingCodec codec;
  const std::string spec;
  const std::vector<std::string> payloads;
  const LeasePtr lease;
  const absl::Time as_of = rig.clock_.WallNow();
  const std::shared_ptr<const Screener> screener = *Screener::Compile(codec.DecodeScreenSpec(spec)->profile);
  int applied = 0;
};

GatePlan PlanOfAll() {
  return {.policy = GatePolicy::kAll};
}

// Job 0 and job 2 have no summary: the first summary is of job 1, the second of job 3.
TEST(SurvivorsAmongJobsTest, LeavesTheUnscreenedOut) {
  const std::vector<PhaseOneSummary> summaries = {{.bm25 = 0.1f}, {.bm25 = 0.9f}, {.vetoed = true}};
  const SurvivingJobs jobs = SurvivorsAmongJobs(PlanOfAll(), summaries, {0, 2});
  EXPECT_THAT(jobs.best_first, ElementsAre(3, 1));
  EXPECT_EQ(jobs.survives, (std::vector<bool>{false, true, false, true, false}));
}

// Every choice of unscreened jobs among six: the n-th summary is the n-th of the others.
TEST(SurvivorsAmongJobsTest, HoldsForEveryChoiceOfUnscreenedJobs) {
  for (unsigned choice = 0; choice < 64; ++choice) {
    std::vector<int64_t> unscreened;
    std::vector<int64_t> others;
    for (int64_t job = 0; job < 6; ++job) (choice >> job & 1 ? unscreened : others).push_back(job);
    const std::vector<PhaseOneSummary> equal(others.size(), PhaseOneSummary{.bm25 = 0.5f});
    EXPECT_EQ(SurvivorsAmongJobs(PlanOfAll(), equal, unscreened).best_first, others) << choice;
  }
}

// Three steps of at most 512, and the model would claim them in the plan's order.
TEST(PlanApplicationTest, ReadiesSurvivorsBestFirstInChunks) {
  ApplicationOnRig application("all 0 storage engineer", MixedPostings(1300));
  PhaseOneAnswers answers = application.ScreenPostings(0);
  const GatePlan plan = application.Decided(answers);
  const std::vector<int64_t> best_first =
      SurvivorsAmongJobs(plan, answers.summaries, answers.unscreened).best_first;
  ASSERT_EQ(best_first.size(), 1300u);
  const int reads = application.Calls("ReadJobs");
  application.Start(plan, std::move(answers));
  application.rig.Settle();
  EXPECT_EQ(application.applied, 1);
  EXPECT_EQ(application.Calls("ApplyPlan"), 3);
  EXPECT_EQ(application.Calls("ReadJobs"), reads) << "nobody is left to record";
  std::vector<int64_t> claimed;
  for (const Claimed& claim : application.rig.ClaimAll(Stage::kScore)) claimed.push_back(claim.job_index);
  EXPECT_EQ(claimed, best_first);
}

// Of some that go on, some below the threshold and one that is no posting.
TEST(PlanApplicationTest, RecordsTheVerdictsOfTheOthersOnly) {
  auto payloads = MixedPostings(600);
  payloads[300] = "!not a posting";
  ApplicationOnRig application("fixed 0.5 storage engineer", payloads);
  PhaseOneAnswers answers = application.ScreenPostings(0);
  const GatePlan plan = application.Decided(answers);
  ASSERT_GT(plan.survivors, 0);
  ASSERT_GT(plan.gated, 0);
  const SurvivingJobs jobs = SurvivorsAmongJobs(plan, answers.summaries, answers.unscreened);
  application.Start(plan, std::move(answers));
  application.rig.Settle();
  EXPECT_EQ(application.applied, 1);
  const std::vector<std::string> recorded = application.rig.Recorded(application.lease);
  for (int64_t job = 0; job < 600; ++job) {
    const auto place = static_cast<size_t>(job);
    EXPECT_EQ(recorded[place], jobs.survives[place] ? "" : application.VerdictByHand(plan, job)) << job;
  }
  EXPECT_EQ(recorded[300], "FAILED BAD_POSTING ");
  EXPECT_EQ(application.codec.encoded, plan.gated);
}

// A second attempt, after a crash that nobody saw: jobs that are claimed or recorded stay as they are.
TEST(PlanApplicationTest, SkipsWhatIsPastWaiting) {
  ApplicationOnRig application("fixed 0.5 storage engineer", MixedPostings(100));
  application.Run();
  const std::vector<std::string> recorded = application.rig.Recorded(application.lease);
  const size_t claimed = application.rig.ClaimAll(Stage::kScore).size();
  ASSERT_GT(claimed, 0u);
  application.Run();
  EXPECT_EQ(application.applied, 2);
  EXPECT_EQ(application.rig.Recorded(application.lease), recorded);
  EXPECT_THAT(application.rig.ClaimAll(Stage::kScore), IsEmpty());
  EXPECT_EQ(application.rig.Get(application.lease).counts.done() + static_cast<int64_t>(claimed), 100);
}

// Kept or read again, on pages and workers of any number.
TEST(PlanApplicationTest, VerdictsAreTheSameWithAndWithoutKeptResults) {
  auto payloads = MixedPostings(1100);
  payloads[0] = payloads[700] = "!not a posting";
  std::vector<std::string> expected;
  for (const int64_t kept_bytes : {int64_t{0}, kPlenty}) {
    for (const int workers : {1, 8}) {
      ApplicationOnRig application("rules_only 0 storage engineer##driver", payloads,
                                   {.workers = workers, .page_postings = workers == 1 ? 256 : 100});
      application.Run(kept_bytes);
      EXPECT_EQ(application.applied, 1);
      const std::vector<std::string> recorded = application.rig.Recorded(application.lease);
      if (expected.empty()) {
        const GatePlan plan = application.Decided(application.ScreenPostings(0));
        for (int64_t job = 0; job < 1100; ++job) expected.push_back(application.VerdictByHand(plan, job));
      }
      EXPECT_EQ(recorded, expected) << kept_bytes << " bytes kept, " << workers << " workers";
      EXPECT_EQ(application.rig.context_.kept_result_bytes->load(), 0);
    }
  }
}

// What is kept is not read again.
TEST(PlanApplicationTest, KeptResultsSaveTheSecondReading) {
  ApplicationOnRig application("rules_only 0 storage engineer", MixedPostings(600));
  PhaseOneAnswers answers = application.ScreenPostings(kPlenty);
  const GatePlan plan = application.Decided(answers);
  const int reads = application.Calls("ReadJobs");
  application.Start(plan, std::move(answers));
  application.rig.Settle();
  EXPECT_EQ(application.applied, 1);
  EXPECT_EQ(application.Calls("ReadJobs"), reads + 1) << "to learn that there are no more";
}

// An earlier attempt's plan is as of its own moment: what was kept as of another is dropped.
TEST(PlanApplicationTest, ResultsKeptAsOfAnotherMomentAreNotUsed) {
  ApplicationOnRig application("rules_only 0 storage engineer", MixedPostings(600));
  PhaseOneAnswers answers = application.ScreenPostings(kPlenty);
  GatePlan plan = application.Decided(answers);
  plan.as_of -= absl::Hours(24 * 365);
  const int reads = application.Calls("ReadJobs");
  application.Start(plan, std::move(answers));
  EXPECT_EQ(application.rig.context_.kept_result_bytes->load(), 0);
  application.rig.Settle();
  EXPECT_EQ(application.applied, 1);
  EXPECT_EQ(application.Calls("ReadJobs"), reads + 4) << "three pages, and that there are no more";
  EXPECT_EQ(application.rig.Recorded(application.lease)[17], application.VerdictByHand(plan, 17));
}

TEST(PlanApplicationTest, WithoutAPlanEveryJobFailsWithItsReason) {
  ApplicationOnRig application("rules_only 0 storage engineer", MixedPostings(300));
  PhaseOneAnswers answers = application.ScreenPostings(kPlenty);
  application.Start(WithReason(absl::InvalidArgumentError("no profile"), "BAD_SPEC"), std::move(answers));
  EXPECT_EQ(application.rig.context_.kept_result_bytes->load(), 0);
  application.rig.Settle();
  EXPECT_EQ(application.applied, 1);
  EXPECT_EQ(application.rig.Recorded(application.lease), std::vector<std::string>(300, "FAILED BAD_SPEC "));
}

// Of each of its two kinds of steps. What the store took without saying so is there once.
TEST(PlanApplicationTest, AStoreThatIsBusyIsAskedAgain) {
  for (const StoreFault fault : {StoreFault::kBusy, StoreFault::kRefuse, StoreFault::kLoseAnswer}) {
    for (const char* spec : {"all 0 storage engineer", "rules_only 0 storage engineer"}) {
      ApplicationOnRig application(spec, MixedPostings(600));
      application.rig.store_.Arm(fault, 2, "ApplyPlan", 3);
      application.Run();
      EXPECT_EQ(application.applied, 0) << spec;
      for (int tries = 0; tries < 3; ++tries) application.rig.Wait(absl::Seconds(1));
      EXPECT_EQ(application.applied, 1) << spec;
      EXPECT_EQ(application.rig.Get(application.lease).counts.done() +
                    static_cast<int64_t>(application.rig.ClaimAll(Stage::kScore).size()),
                600);
      EXPECT_THAT(application.rig.sink_.ends(), IsEmpty());
    }
  }
}

// While a chunk cannot be committed the next one is encoded, and no more.
TEST(PlanApplicationTest, EncodesOneChunkAhead) {
  ApplicationOnRig application("rules_only 0 storage engineer", MixedPostings(1000));
  application.rig.store_.Arm(StoreFault::kBusy, 1, "ApplyPlan", 5);
  application.Run();
  EXPECT_EQ(application.codec.encoded, 2 * 256);
  for (int tries = 0; tries < 5; ++tries) application.rig.Wait(absl::Seconds(1));
  EXPECT_EQ(application.applied, 1);
  EXPECT_EQ(application.codec.encoded, 1000);
}

// Stopped before the first chunk of survivors, or of verdicts, is readied.
TEST(PlanApplicationTest, AStoppedLeaseEndsByItsReason) {
  const std::pair<StopReason, const char*> cases[] = {{StopReason::kDraining, "given back"},
                                                      {StopReason::kBatchCancelled, "dropped"},
                                                      {StopReason::kSessionLost, "dropped"}};
  for (const auto& [reason, end] : cases) {
    for (const char* spec : {"all 0 storage engineer", "rules_only 0 storage engineer"}) {
      ApplicationOnRig application(spec, MixedPostings(100));
      application.rig.store_.Arm(StoreFault::kBusy, 1, "ApplyPlan", 1000);
      application.Run();
      application.rig.Stop(application.lease, reason);
      application.rig.Wait(absl::Seconds(1));
      EXPECT_THAT(application.rig.sink_.ends(), ElementsAre(end)) << spec;
      application.rig.Wait(absl::Minutes(1));
      EXPECT_EQ(application.applied, 0) << spec;
    }
  }
}

// While the next chunk is being encoded, which then goes nowhere.
TEST(PlanApplicationTest, AStepThatIsRefusedEndsTheLeaseOnce) {
  ApplicationOnRig application("rules_only 0 storage engineer", MixedPostings(1000), {.workers = 4});
  PhaseOneAnswers answers = application.ScreenPostings(0);
  const GatePlan plan = application.Decided(answers);
  application.rig.store_.Arm(StoreFault::kBreak, 1, "ApplyPlan");
  application.Start(plan, std::move(answers));
  application.rig.Settle();
  EXPECT_THAT(application.rig.sink_.ends(), ElementsAre("given up"));
  EXPECT_EQ(application.Calls("ApplyPlan"), 1);
  EXPECT_EQ(application.applied, 0);
}

TEST(PlanApplicationTest, AnApplicationThatTheLoopDropsIsFreed) {
  for (int steps = 0; steps < 20; ++steps) {
    const auto token = std::make_shared<int>(0);
    {
      ApplicationOnRig application("fixed 0.5 storage engineer", MixedPostings(600));
      PhaseOneAnswers answers = application.ScreenPostings(0);
      const GatePlan plan = application.Decided(answers);
      PlanApplication::Run(PlanLease(application.rig.context_, application.lease),
                           {application.codec, application.screener, plan, std::move(answers)}, [token] {});
      for (int step = 0; step < steps; ++step) {
        if (!application.rig.calls_.RunOne()) application.rig.workers_.RunOne();
        application.rig.context_.loop->Turn();
      }
    }
    EXPECT_EQ(token.use_count(), 1) << "after " << steps << " steps";
  }
}

}  // namespace
}  // namespace sluice
