#include "core/pipeline/phase_one_pass.h"

#include <optional>

#include "absl/strings/str_format.h"
#include "core/pipeline/page_screening.h"
#include "gmock/gmock.h"
#include "tests/core/pipeline/plan_rig.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kPassSpec[] = "rules_only 0 distributed storage engineer##night shift";

// Of different lengths and worth; those at `undecodable` are no postings.
std::vector<std::string> SomePostings(int n, const std::vector<int>& undecodable = {}) {
  std::vector<std::string> postings;
  for (int i = 0; i < n; ++i) {
    std::string text = i % 3 == 0 ? "distributed storage engineer" : "truck driver, night shift";
    for (int word = 0; word < i % 7; ++word) absl::StrAppend(&text, " storage ", word);
    postings.push_back(text);
  }
  for (const int index : undecodable) postings[static_cast<size_t>(index)] = "!not a posting";
  return postings;
}

std::string Described(const PhaseOneSummary& summary) {
  return absl::StrFormat("%d %a %a", summary.vetoed, summary.bm25, summary.should_log_odds);
}
std::vector<std::string> Described(const std::vector<PhaseOneSummary>& summaries) {
  std::vector<std::string> described;
  for (const PhaseOneSummary& summary : summaries) described.push_back(Described(summary));
  return described;
}

// A pass on a rig, and what it answered.
class PassOnRig {
 public:
  explicit PassOnRig(const std::vector<std::string>& payloads, PlanRig::Options options = {})
      : rig(options),
        lease(rig.ClaimPlan(kPassSpec, payloads)),
        postings(static_cast<int64_t>(payloads.size())) {}

  void Start(int64_t kept_bytes) {
    answers.reset();
    const PhaseOneRules rules = {rig.codec_, screener, rig.clock_.WallNow()};
    PhaseOnePass::Run(PlanLease(rig.context_, lease), rules,
                      KeptResults(postings, kept_bytes, rig.context_.kept_result_bytes),
                      [this](PhaseOneAnswers given) { answers = std::move(given); });
  }
  PhaseOneAnswers& Run(int64_t kept_bytes) {
    Start(kept_bytes);
    rig.Settle();
    EXPECT_TRUE(answers.has_value());
    return *answers;
  }
  int64_t kept_bytes() const { return rig.context_.kept_result_bytes->load(); }

  PlanRig rig;
  const LeasePtr lease;
  const int64_t postings;
  const std::shared_ptr<const Screener> screener =
      *Screener::Compile(rig.codec_.DecodeScreenSpec(kPassSpec)->profile);
  std::optional<PhaseOneAnswers> answers;
};

TEST(PhaseOnePassTest, SummariesDoNotDependOnPagesNorWorkersNorOnWhatIsKept) {
  const auto payloads = SomePostings(300, {7, 255, 256});
  PassOnRig by_hand(payloads);
  std::vector<std::string> expected;
  for (const std::string& payload : payloads) {
    WorkBudget budget;
    const auto summary = SummariseJob(by_hand.rig.codec_, *by_hand.screener, by_hand.rig.clock_.WallNow(),
                                      {.payload = payload}, budget);
    if (summary.ok()) expected.push_back(Described(*summary));
  }
  for (const int page_postings : {7, 100, 256}) {
    for (const int workers : {1, 8}) {
      for (const int64_t kept_bytes : {int64_t{0}, kPlenty}) {
        PassOnRig pass(payloads, {.workers = workers, .page_postings = page_postings});
        const PhaseOneAnswers& answers = pass.Run(kept_bytes);
        EXPECT_EQ(Described(answers.summaries), expected)
            << "pages of " << page_postings << ", " << workers << " workers, " << kept_bytes << " bytes kept";
        EXPECT_THAT(answers.unscreened, ElementsAre(7, 255, 256));
        EXPECT_EQ(answers.as_of, pass.rig.clock_.WallNow());
      }
    }
  }
}

// The first, the last and neighbours, whether their results are kept or not.
TEST(PhaseOnePassTest, PostingsThatCannotBeDecodedAreNamedByTheirIndices) {
  for (const int64_t kept_bytes : {int64_t{0}, kPlenty}) {
    PassOnRig pass(SomePostings(40, {0, 20, 21, 39}), {.page_postings = 16});
    const PhaseOneAnswers& answers = pass.Run(kept_bytes);
    EXPECT_THAT(answers.unscreened, ElementsAre(0, 20, 21, 39));
    EXPECT_EQ(answers.summaries.size(), 36u);
  }
}

TEST(PhaseOnePassTest, KeepsTheResultOfEachPostingAtItsPlace) {
  const auto payloads = SomePostings(40, {5});
  PassOnRig pass(payloads, {.page_postings = 16});
  KeptResults& kept = pass.Run(kPlenty).kept;
  ASSERT_EQ(kept.size(), 40u);
  for (size_t i = 0; i < 40; ++i) {
    WorkBudget budget;
    const Explained expected = ExplainJob(pass.rig.codec_, *pass.screener, pass.rig.clock_.WallNow(),
                                          {.payload = payloads[i]}, budget);
    const Explained result = kept.Take(i);
    ASSERT_EQ(result.status(), expected.status()) << i;
    if (!result.ok()) continue;
    EXPECT_EQ(Described(result->summary), Described(expected->summary)) << i;
    EXPECT_EQ(result->rules.size(), expected->rules.size()) << i;
  }
}

// The bound is one for all tasks: what others keep leaves no room, and what they give back makes room again.
TEST(PhaseOnePassTest, ResultsAreKeptWithinTheBoundThatAllTasksShare) {
  const auto payloads = SomePostings(40);
  PassOnRig pass(payloads, {.page_postings = 16});
  pass.Run(kPlenty);
  const int64_t bytes = pass.kept_bytes();
  EXPECT_GE(bytes, static_cast<int64_t>(40 * sizeof(Explained)));

  PassOnRig beside(payloads, {.page_postings = 16});
  *beside.rig.context_.kept_result_bytes = bytes;  // as if the first were of the same server
  EXPECT_EQ(beside.Run(2 * bytes - 1).kept.size(), 0u);
  EXPECT_EQ(beside.answers->summaries.size(), 40u);
  EXPECT_EQ(beside.kept_bytes(), bytes) << "what is dropped is given back, and no more";
  *beside.rig.context_.kept_result_bytes = 0;
  EXPECT_EQ(beside.Run(2 * bytes - 1).kept.size(), 40u);
}

TEST(PhaseOnePassTest, KeptBytesAreGivenBackWithTheAnswers) {
  PassOnRig pass(SomePostings(40));
  pass.Run(kPlenty);
  EXPECT_GT(pass.kept_bytes(), 0);
  pass.answers.reset();
  EXPECT_EQ(pass.kept_bytes(), 0);
}

// Neither does a pass that is stopped half-way leave anything behind.
TEST(PhaseOnePassTest, AStoppedPassGivesBackWhatItKept) {
  PassOnRig pass(SomePostings(40), {.page_postings = 16});
  pass.rig.store_.Arm(StoreFault::kBusy, 3, "ReadJobs", 1000);
  pass.Start(kPlenty);
  pass.rig.Settle();
  EXPECT_GT(pass.kept_bytes(), 0);
  pass.rig.Stop(pass.lease, StopReason::kSessionLost);
  pass.rig.Wait(absl::Seconds(1));
  EXPECT_THAT(pass.rig.sink_.ends(), ElementsAre("dropped"));
  EXPECT_EQ(pass.kept_bytes(), 0);
  EXPECT_FALSE(pass.answers.has_value());
}

TEST(PhaseOnePassTest, AStoreThatIsBusyIsAskedAgain) {
  PassOnRig pass(SomePostings(40, {5}), {.page_postings = 16});
  pass.rig.store_.Arm(StoreFault::kBusy, 2, "ReadJobs", 3);
  pass.Start(0);
  pass.rig.Settle();
  EXPECT_FALSE(pass.answers.has_value());
  for (int tries = 0; tries < 3; ++tries) pass.rig.Wait(absl::Seconds(1));
  ASSERT_TRUE(pass.answers.has_value());
  EXPECT_EQ(pass.answers->summaries.size(), 39u);
  EXPECT_THAT(pass.rig.sink_.ends(), IsEmpty());
}

TEST(PhaseOnePassTest, APageThatCannotBeReadEndsTheAttempt) {
  PassOnRig pass(SomePostings(40), {.page_postings = 16});
  pass.rig.store_.Arm(StoreFault::kBreak, 2, "ReadJobs");
  pass.Start(0);
  pass.rig.Settle();
  EXPECT_THAT(pass.rig.sink_.ends(), ElementsAre("given up"));
  EXPECT_FALSE(pass.answers.has_value());
}

// Stopped while the first page's postings wait for a worker.
TEST(PhaseOnePassTest, AStoppedLeaseEndsByItsReason) {
  const std::pair<StopReason, const char*> cases[] = {{StopReason::kDraining, "given back"},
                                                      {StopReason::kBatchCancelled, "dropped"},
                                                      {StopReason::kSessionLost, "dropped"}};
  for (const auto& [reason, end] : cases) {
    PassOnRig pass(SomePostings(40), {.page_postings = 16});
    pass.Start(0);
    while (pass.rig.workers_.size() == 0) {
      ASSERT_TRUE(pass.rig.calls_.RunOne());
      pass.rig.context_.loop->Turn();
    }
    pass.rig.Stop(pass.lease, reason);
    pass.rig.Settle();
    EXPECT_THAT(pass.rig.sink_.ends(), ElementsAre(end));
    EXPECT_FALSE(pass.answers.has_value());
  }
}

// What a server that ends leaves under way is freed with it, wherever it stood.
TEST(PhaseOnePassTest, APassThatTheLoopDropsIsFreed) {
  for (int steps = 0; steps < 12; ++steps) {
    const auto token = std::make_shared<int>(0);
    {
      PassOnRig pass(SomePostings(40), {.page_postings = 16});
      PhaseOnePass::Run(PlanLease(pass.rig.context_, pass.lease),
                        {pass.rig.codec_, pass.screener, pass.rig.clock_.WallNow()}, KeptResults(),
                        [token](const PhaseOneAnswers&) {});
      for (int step = 0; step < steps; ++step) {
        if (!pass.rig.calls_.RunOne()) pass.rig.workers_.RunOne();
        pass.rig.context_.loop->Turn();
      }
    }
    EXPECT_EQ(token.use_count(), 1) << "after " << steps << " steps";
  }
}

std::vector<Explained> PageOf(int postings) {
  return std::vector<Explained>(static_cast<size_t>(postings), Explained(PhaseOneResult()));
}

// A batch that will not fit is given up at its first page, not when the bound is reached.
TEST(KeptResultsTest, DropsAllAsSoonAsAllWillNotFit) {
  const auto all_bytes = std::make_shared<std::atomic<int64_t>>(0);
  KeptResults fits(40, kPlenty, all_bytes);
  fits.KeepPage(PageOf(10));
  EXPECT_TRUE(fits.keeps());
  const int64_t page_bytes = all_bytes->load();
  fits.Drop();
  EXPECT_EQ(all_bytes->load(), 0);

  KeptResults just_fits(40, 4 * page_bytes, all_bytes);
  for (int page = 0; page < 4; ++page) just_fits.KeepPage(PageOf(10));
  EXPECT_EQ(just_fits.size(), 40u);
  just_fits.Drop();

  KeptResults too_many(40, 4 * page_bytes - 4, all_bytes);
  too_many.KeepPage(PageOf(10));
  EXPECT_FALSE(too_many.keeps());
  EXPECT_EQ(too_many.size(), 0u);
  EXPECT_EQ(all_bytes->load(), 0);
}

TEST(KeptResultsTest, CountsWhatIsMovedOnce) {
  const auto all_bytes = std::make_shared<std::atomic<int64_t>>(0);
  {
    KeptResults first(10, kPlenty, all_bytes);
    first.KeepPage(PageOf(10));
    const int64_t bytes = all_bytes->load();
    KeptResults second = std::move(first);
    EXPECT_EQ(second.size(), 10u);
    EXPECT_EQ(all_bytes->load(), bytes);
    KeptResults third(10, kPlenty, all_bytes);
    third.KeepPage(PageOf(5));
    third = std::move(second);
    EXPECT_EQ(third.size(), 10u);
    EXPECT_EQ(all_bytes->load(), bytes) << "what it kept before is given back";
  }
  EXPECT_EQ(all_bytes->load(), 0);
}

TEST(KeptResultsTest, KeepsNothingWithoutABound) {
  const auto all_bytes = std::make_shared<std::atomic<int64_t>>(0);
  EXPECT_FALSE(KeptResults(10, 0, all_bytes).keeps());
  EXPECT_FALSE(KeptResults().keeps());
}

}  // namespace
}  // namespace sluice
