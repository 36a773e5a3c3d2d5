#include "server/progress_rate.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// Until two looks at a batch there is no rate, and no guess at the time left.
TEST(ProgressRate, IsUnknownAtFirst) {
  ProgressRate rate;
  rate.Add(absl::Seconds(10), 7);
  EXPECT_EQ(rate.JobsPerSecond(), 0);
  EXPECT_EQ(rate.TimeLeft(100), std::nullopt);
}

TEST(ProgressRate, DividesWhatIsLeftByTheRate) {
  ProgressRate rate;
  rate.Add(absl::Seconds(10), 0);
  rate.Add(absl::Seconds(12), 40);
  EXPECT_DOUBLE_EQ(rate.JobsPerSecond(), 20);
  EXPECT_EQ(rate.TimeLeft(100), absl::Seconds(5));
}

// A slow start does not spoil the estimate for ever: only the last window counts.
TEST(ProgressRate, ForgetsWhatIsOlderThanTheWindow) {
  ProgressRate rate(absl::Seconds(5));
  rate.Add(absl::Seconds(0), 0);
  rate.Add(absl::Seconds(100), 0);
  rate.Add(absl::Seconds(105), 50);
  EXPECT_DOUBLE_EQ(rate.JobsPerSecond(), 10);
}

// A batch that stands still has no time left to tell.
TEST(ProgressRate, StandingStillIsUnknown) {
  ProgressRate rate;
  rate.Add(absl::Seconds(1), 5);
  rate.Add(absl::Seconds(2), 5);
  EXPECT_EQ(rate.TimeLeft(1), std::nullopt);
}

}  // namespace
}  // namespace sluice
