#include "client/cpp/command/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace sluice {
namespace {

TEST(LatencyHistogram, AnEmptyOneIsZero) {
  const LatencyHistogram latency;
  EXPECT_EQ(latency.count(), 0);
  EXPECT_EQ(latency.Mean(), absl::ZeroDuration());
  EXPECT_EQ(latency.Quantile(0.99), absl::ZeroDuration());
}

// Below 64 µs every microsecond has its own bucket.
TEST(LatencyHistogram, SmallValuesAreExact) {
  LatencyHistogram latency;
  for (int i = 1; i <= 60; ++i) latency.Record(absl::Microseconds(i));
  EXPECT_EQ(latency.Quantile(0.5), absl::Microseconds(30));
  EXPECT_EQ(latency.Quantile(1.0 / 60), absl::Microseconds(1));
  EXPECT_EQ(latency.Quantile(1), absl::Microseconds(60));
}

// Against the sorted values themselves, over six orders of magnitude.
TEST(LatencyHistogram, QuantilesAreWithinTwoPercentOfTheTruthAndNeverBelowIt) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> microseconds(9, 2.5);
  LatencyHistogram latency;
  std::vector<int64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<int64_t>(microseconds(random)));
    latency.Record(absl::Microseconds(values.back()));
  }
  std::sort(values.begin(), values.end());
  for (const double quantile : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(quantile * 20'000)) - 1;
    const auto truth = static_cast<double>(values[rank]);
    const double told = absl::ToDoubleMicroseconds(latency.Quantile(quantile));
    EXPECT_GE(told, truth) << quantile;
    EXPECT_LE(told, truth * 1.016 + 1) << quantile;
  }
}

TEST(LatencyHistogram, ValuesOutOfRangeAreKeptAtItsEnds) {
  LatencyHistogram latency;
  latency.Record(-absl::Seconds(1));
  latency.Record(absl::InfiniteDuration());
  EXPECT_EQ(latency.Quantile(0.5), absl::ZeroDuration());
  EXPECT_EQ(latency.max(), absl::Hours(LatencyHistogram::kMaxHours));
  EXPECT_EQ(latency.Quantile(1), latency.max());
}

TEST(LatencyHistogram, TwoAddUpToTheOneThatSawBoth) {
  LatencyHistogram first, second, both;
  for (int i = 0; i < 100; ++i) {
    LatencyHistogram& one = i % 3 == 0 ? first : second;
    one.Record(absl::Milliseconds(i));
    both.Record(absl::Milliseconds(i));
  }
  first.Add(second);
  EXPECT_EQ(first.count(), 100);
  EXPECT_EQ(first.max(), both.max());
  EXPECT_EQ(first.Mean(), both.Mean());
  for (const double quantile : {0.1, 0.5, 0.99}) EXPECT_EQ(first.Quantile(quantile), both.Quantile(quantile));
}

}  // namespace
}  // namespace sluice
