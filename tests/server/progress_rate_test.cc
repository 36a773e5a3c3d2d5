#include "server/progress_rate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

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

// A batch as a watcher sees it: how many jobs are done at a time, and when its plan is applied.
struct Course {
  std::function<double(double seconds)> done;
  double jobs = 0;
  double plan_applied = 0;  // seconds
};

double EndOf(const Course& course) {
  double seconds = 0;
  while (course.done(seconds) < course.jobs) seconds += 0.01;
  return seconds;
}

// The estimate's error as a share of what truly is left, seen at `seconds` by a watcher of five looks a
// second.
double ErrorAt(const Course& course, double seconds) {
  ProgressRate rate;
  bool restarted = false;
  int64_t done = 0;
  for (double now = 0; now <= seconds; now += 0.2) {
    done = static_cast<int64_t>(std::min(course.done(now), course.jobs));
    rate.Add(absl::Seconds(now), done);
    if (now >= course.plan_applied && !std::exchange(restarted, true)) rate.Restart();
  }
  const std::optional<absl::Duration> left = rate.TimeLeft(static_cast<int64_t>(course.jobs) - done);
  const double truth = EndOf(course) - seconds;
  return left ? std::abs(absl::ToDoubleSeconds(*left) - truth) / truth : INFINITY;
}

// The time at which a quarter of the jobs is done.
double QuarterOf(const Course& course) {
  double seconds = 0;
  while (course.done(seconds) < course.jobs / 4) seconds += 0.01;
  return seconds;
}

TEST(ProgressRate, IsRightAfterAQuarterAtAConstantRate) {
  const Course course{[](double t) { return 20 * t; }, 2000};
  EXPECT_LE(ErrorAt(course, QuarterOf(course)), 0.02);
}

// 3 s of planning, 7,000 rejections in one more, then 3,000 postings for the encoder at 50/s: a second after
// the plan the rejections no longer promise an end in no time.
TEST(ProgressRate, IsRightOnceThePlanIsApplied) {
  const Course course{[](double t) {
                        if (t <= 3) return 0.0;
                        return t <= 4 ? 7000 * (t - 3) : 7000 + 50 * (t - 4);
                      },
                      10000, 4.0};
  EXPECT_LE(ErrorAt(course, 5), 0.25);
  EXPECT_LE(ErrorAt(course, EndOf(course) / 4), 0.25);
}

// Best first: what fits a profile tends to be longer, so a job costs 1.2 of the mean at first and 0.8 in the
// end.
TEST(ProgressRate, IsWithinAQuarterWhileJobsGetShorter) {
  constexpr double kJobs = 3000;
  constexpr double kMeanSeconds = 0.02;
  const Course course{[](double t) {
                        // t = mean·(1.2·n − 0.2·n²/jobs), solved for n
                        const double inside = 1.44 - 0.8 * t / (kMeanSeconds * kJobs);
                        return inside <= 0.64 ? kJobs : kJobs * (1.2 - std::sqrt(inside)) / 0.4;
                      },
                      kJobs};
  EXPECT_LE(ErrorAt(course, QuarterOf(course)), 0.25);
}

}  // namespace
}  // namespace sluice
