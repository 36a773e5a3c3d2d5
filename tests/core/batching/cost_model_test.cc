#include "core/batching/cost_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace sluice {
namespace {

PassSize Texts(int count, int64_t tokens) {
  PassSize size;
  for (int i = 0; i < count; ++i) size.Add(tokens);
  return size;
}

const std::vector<PassSize>& Spread() {
  static const auto& sizes =
      *new std::vector<PassSize>{Texts(1, 8),   Texts(1, 64),  Texts(4, 32),  Texts(1, 256),
                                 Texts(16, 16), Texts(4, 128), Texts(8, 128), Texts(8, 256)};
  return sizes;
}

std::vector<CostSample> SamplesOf(const CostModel& model) {
  std::vector<CostSample> samples;
  for (const PassSize& size : Spread()) samples.push_back({size, model.Seconds(size)});
  return samples;
}

TEST(PassSize, AddsUpTokensAndTheirSquares) {
  PassSize size;
  size.Add(3);
  size.Add(4);
  EXPECT_EQ(size.tokens, 7);
  EXPECT_EQ(size.squared_lengths, 25);
}

// Passes that follow a model exactly give that model back.
TEST(FitCostModel, FindsTheModelBehindExactPasses) {
  const CostModel truth{2e-4, 3e-5, 4e-8};
  const CostModel model = FitCostModel(SamplesOf(truth)).value();
  EXPECT_NEAR(model.seconds_per_pass, truth.seconds_per_pass, 1e-9);
  EXPECT_NEAR(model.seconds_per_token, truth.seconds_per_token, 1e-10);
  EXPECT_NEAR(model.seconds_per_squared_token, truth.seconds_per_squared_token, 1e-13);
}

// Noise of ten percent on every pass must not turn into more than that anywhere in the spread.
TEST(FitCostModel, SmoothsNoiseOverTheWholeSpread) {
  const CostModel truth{2e-4, 3e-5, 4e-8};
  std::mt19937 generator(7);
  std::uniform_real_distribution<double> noise(0.9, 1.1);
  std::vector<CostSample> samples;
  for (int repeat = 0; repeat < 5; ++repeat) {
    for (CostSample sample : SamplesOf(truth)) {
      sample.seconds *= noise(generator);
      samples.push_back(sample);
    }
  }
  const CostModel model = FitCostModel(samples).value();
  for (const PassSize& size : Spread()) EXPECT_NEAR(model.Seconds(size) / truth.Seconds(size), 1, 0.1);
}

// Unweighted, a large pass that runs 5 % long would move the estimate of the smallest by many times its own.
TEST(FitCostModel, HeedsSmallPassesAsMuchAsLargeOnes) {
  const CostModel truth{1e-4, 1e-5, 0};
  std::vector<CostSample> samples = SamplesOf(truth);
  samples.back().seconds *= 1.05;
  const CostModel model = FitCostModel(samples).value();
  EXPECT_NEAR(model.Seconds(Texts(1, 8)) / truth.Seconds(Texts(1, 8)), 1, 0.05);
}

// A device for which long texts get cheaper would otherwise give a negative term, and negative times.
TEST(FitCostModel, HasNoNegativeTerm) {
  std::vector<CostSample> samples;
  for (const PassSize& size : Spread())
    samples.push_back({size, 1e-2 + 1e-5 * static_cast<double>(size.tokens) - 1e-9 * size.squared_lengths});
  const CostModel model = FitCostModel(samples).value();
  EXPECT_GE(model.seconds_per_pass, 0);
  EXPECT_GE(model.seconds_per_token, 0);
  EXPECT_EQ(model.seconds_per_squared_token, 0);
  for (const CostSample& sample : samples) EXPECT_NEAR(model.Seconds(sample.size) / sample.seconds, 1, 0.02);
}

TEST(FitCostModel, RefusesSamplesThatDoNotTellTheTermsApart) {
  EXPECT_EQ(FitCostModel({}).status().code(), absl::StatusCode::kFailedPrecondition);
  const std::vector<CostSample> one_size(10, {Texts(2, 64), 1e-3});
  EXPECT_EQ(FitCostModel(one_size).status().code(), absl::StatusCode::kFailedPrecondition);
  std::vector<CostSample> one_length;
  for (const int count : {1, 2, 3, 4, 5}) one_length.push_back({Texts(count, 64), 1e-3 * count});
  EXPECT_EQ(FitCostModel(one_length).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST(FitCostModel, NamesASampleThatIsNoMeasurement) {
  for (const double seconds : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    std::vector<CostSample> samples = SamplesOf({1e-4, 1e-5, 1e-8});
    samples[3].seconds = seconds;
    EXPECT_EQ(FitCostModel(samples).status().code(), absl::StatusCode::kInvalidArgument) << seconds;
  }
}

// What a budget allows takes just that budget.
TEST(CostModel, TokensWithinIsTheInverseOfSeconds) {
  const CostModel model{1e-3, 2e-5, 1e-8};
  const double tokens = model.TokensWithin(0.02, 128);
  const PassSize size{static_cast<int64_t>(tokens), tokens * 128};
  EXPECT_NEAR(model.Seconds(size), 0.02, 2e-5);
  EXPECT_EQ(model.TokensWithin(0.0005, 128), 0) << "less than a pass of nothing";
  EXPECT_TRUE(std::isinf(CostModel{}.TokensWithin(1, 128)));
}

TEST(CostModel, KnowsTheRateOfPassesOfOneSize) {
  const CostModel model{0, 1e-4, 0};
  EXPECT_NEAR(model.TokensPerSecond(Texts(4, 100)), 1e4, 1e-6);
  EXPECT_EQ(CostModel{}.TokensPerSecond(Texts(1, 1)), 0);
}

}  // namespace
}  // namespace sluice
