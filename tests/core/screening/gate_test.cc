#include "core/screening/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/base/error_details.h"
#include "core/screening/calibration.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<PhaseOneSummary> RandomSummaries(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<PhaseOneSummary> summaries(count);
  for (PhaseOneSummary& summary : summaries) {
    summary.vetoed = random() % 4 == 0;
    if (summary.vetoed) continue;
    summary.bm25 = static_cast<float>(random() % 600) / 1000;
    summary.should_log_odds = static_cast<float>(random() % 3) - 1;
  }
  return summaries;
}

GateDecision Decide(const GateOptions& options, const std::vector<PhaseOneSummary>& summaries,
                    bool has_model = true) {
  return DecideGate(options, summaries, has_model, "digest", absl::UnixEpoch());
}

// The design's table, and the preference on top of it.
TEST(GateTest, VolumeThresholdFollowsTheTable) {
  const std::pair<int, double> table[] = {{0, 0.15},   {19, 0.15},       {20, 0.20},  {49, 0.20},
                                          {50, 0.25},  {100, 0.25},      {101, 0.35}, {199, 0.35},
                                          {200, 0.40}, {1'000'000, 0.40}};
  for (const auto& [postings, threshold] : table) {
    EXPECT_DOUBLE_EQ(VolumeThreshold(postings, Preference::kBalanced), threshold) << postings;
    EXPECT_DOUBLE_EQ(VolumeThreshold(postings, Preference::kQuality), threshold - 0.05) << postings;
    EXPECT_DOUBLE_EQ(VolumeThreshold(postings, Preference::kSpeed), threshold + 0.05) << postings;
  }
}

TEST(GateTest, FixedThresholdIsAProbability) {
  EXPECT_TRUE(ValidateGate({.policy = GatePolicy::kFixed, .threshold = 1}).ok());
  for (const double threshold : {-0.1, 1.1, std::nan("")}) {
    const absl::Status status = ValidateGate({.policy = GatePolicy::kFixed, .threshold = threshold});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    ASSERT_THAT(FieldViolationsOf(status), SizeIs(1));
    EXPECT_EQ(FieldViolationsOf(status)[0].field, "gate.threshold");
  }
}

// A plan and the summaries give the same survivors again, in the same order: what a plan task that starts
// again needs.
TEST(GateTest, SurvivorsAreRecomputedFromThePlan) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const auto summaries = RandomSummaries(seed * 3, seed);
    GateOptions options;
    options.policy = static_cast<GatePolicy>(1 + seed % 4);
    options.threshold = (seed % 10) / 10.0;
    const GateDecision decision = Decide(options, summaries);
    EXPECT_EQ(SurvivorsOf(decision.plan, summaries), decision.survivors) << seed;
    EXPECT_EQ(Decide(options, summaries).survivors, decision.survivors) << seed;
  }
}

TEST(GateTest, CountsAddUp) {
  for (const GatePolicy policy : {GatePolicy::kVolume, GatePolicy::kFixed, GatePolicy::kAll}) {
    const auto summaries = RandomSummaries(500, 7);
    const GatePlan plan = Decide({.policy = policy}, summaries).plan;
    EXPECT_EQ(plan.postings, 500);
    EXPECT_EQ(plan.vetoed + plan.gated + plan.survivors, plan.postings);
    EXPECT_EQ(plan.calibration_id, ShippedCalibration().id);
    EXPECT_EQ(plan.model_digest, "digest");
  }
}

// Survivors come best first, ties in the batch's order, none below the threshold, none vetoed.
TEST(GateTest, OrdersSurvivorsBestFirst) {
  std::vector<PhaseOneSummary> summaries(5);
  summaries[0].bm25 = 0.30f;
  summaries[1].bm25 = 0.55f;
  summaries[2] = {.vetoed = true};
  summaries[3].bm25 = 0.55f;
  summaries[4].bm25 = 0.01f;
  EXPECT_THAT(Decide({.policy = GatePolicy::kAll}, summaries).survivors, ElementsAre(1, 3, 0, 4));
  const GateDecision volume = Decide({}, summaries);
  for (const int64_t index : volume.survivors) {
    EXPECT_GE(PhaseOneProbability(volume.plan, summaries[index]), volume.plan.threshold);
  }
  EXPECT_EQ(volume.plan.limited_by, "threshold");
}

// Raising the threshold never lets a posting in.
TEST(GateTest, IsMonotoneInTheThreshold) {
  const auto summaries = RandomSummaries(300, 3);
  size_t before = summaries.size();
  for (int percent = 0; percent <= 100; percent += 5) {
    const size_t survivors =
        Decide({.policy = GatePolicy::kFixed, .threshold = percent / 100.0}, summaries).survivors.size();
    EXPECT_LE(survivors, before);
    before = survivors;
  }
}

TEST(GateTest, WithoutAModelEveryPolicyIsRulesOnly) {
  const auto summaries = RandomSummaries(50, 1);
  const GateDecision decision = Decide({.policy = GatePolicy::kAll}, summaries, /*has_model=*/false);
  EXPECT_EQ(decision.plan.policy, GatePolicy::kRulesOnly);
  EXPECT_EQ(decision.plan.limited_by, "no_model");
  EXPECT_EQ(decision.plan.model_digest, "");
  EXPECT_THAT(decision.survivors, IsEmpty());
  EXPECT_EQ(decision.plan.gated, 0);
  EXPECT_EQ(Decide({.policy = GatePolicy::kRulesOnly}, summaries).plan.limited_by, "rules_only");
}

// Batches of no postings, of vetoed ones only, and of equal ones have finite answers.
TEST(GateTest, DegenerateBatchesHaveAnswers) {
  for (const auto& summaries :
       {std::vector<PhaseOneSummary>(), std::vector<PhaseOneSummary>(3, {.vetoed = true}),
        std::vector<PhaseOneSummary>(40, {.bm25 = 0.2f}), std::vector<PhaseOneSummary>(1, {.bm25 = 1})}) {
    const GatePlan plan = Decide({}, summaries).plan;
    EXPECT_TRUE(std::isfinite(plan.prior_log_odds));
    EXPECT_TRUE(std::isfinite(plan.bm25_stddev));
    for (const PhaseOneSummary& summary : summaries) {
      const double probability = PhaseOneProbability(plan, summary);
      EXPECT_TRUE(probability >= 0 && probability <= 1);
    }
  }
}

// A wish in log-odds moves the probability by exactly that; the cosine moves phase two's up.
TEST(GateTest, WishesAndCosineMoveTheProbability) {
  const GatePlan plan = Decide({}, RandomSummaries(100, 5)).plan;
  const auto log_odds = [](double p) { return std::log(p / (1 - p)); };
  const double without = PhaseOneProbability(plan, {.bm25 = 0.2f}),
               with = PhaseOneProbability(plan, {.bm25 = 0.2f, .should_log_odds = 1.5f});
  EXPECT_NEAR(log_odds(with) - log_odds(without), 1.5, 1e-6);
  EXPECT_GT(PhaseTwoProbability(plan, {.bm25 = 0.2f}, 0.6), PhaseTwoProbability(plan, {.bm25 = 0.2f}, 0.2));
}

// The prior moves towards the batch's share of matches: up for a batch of likely ones, down for one of
// unlikely ones.
TEST(CalibrationTest, PriorFollowsTheBatch) {
  EXPECT_GT(PriorShift(std::vector<double>(500, 1.0), -2), 0.5);
  EXPECT_LT(PriorShift(std::vector<double>(500, -5.0), -2), -0.5);
  EXPECT_EQ(PriorShift({}, -2), 0);
  // A handful of postings moves it little.
  EXPECT_LT(PriorShift({1.0, 1.0}, -2), PriorShift(std::vector<double>(500, 1.0), -2) / 2);
}

}  // namespace
}  // namespace sluice
