#include "client/cpp/command/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "client/cpp/formats/terminal_text.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

v1::BatchProgress Progress() {
  v1::BatchProgress progress;
  progress.mutable_batch()->set_kind("screen");
  progress.mutable_batch()->mutable_plan();
  progress.mutable_batch()->mutable_counts()->set_jobs(2000);
  progress.mutable_batch()->mutable_counts()->set_succeeded(490);
  progress.mutable_batch()->mutable_counts()->set_failed(10);
  progress.set_jobs_per_second(1234.4);
  progress.mutable_time_left()->set_seconds(75);
  return progress;
}

TEST(Progress, SaysHowFarHowFastAndHowLong) {
  EXPECT_EQ(ProgressText(Progress(), 100),
            "phase two [#######-----------------------]  500/2,000  25 %  1,234/s  1 min 15 s left");
}

TEST(Progress, FitsNarrowTerminals) {
  EXPECT_EQ(ProgressText(Progress(), 58), "phase two  500/2,000  25 %  1,234/s  1 min 15 s left");
  EXPECT_LE(ColumnsOf(ProgressText(Progress(), 20)), 20);
}

TEST(Progress, BeforeThePlanItIsPhaseOne) {
  v1::BatchProgress progress = Progress();
  progress.mutable_batch()->clear_plan();
  EXPECT_THAT(ProgressText(progress, 100), testing::StartsWith("phase one ["));
}

// A pipe gets a line now and then, a terminal a bar that is wiped away.
TEST(ProgressLine, ThinsOutLinesInAPipe) {
  SimulatedClock clock;
  std::ostringstream out, err;
  Terminal terminal{out, err};
  ProgressLine line(terminal, clock);
  line.Show("one");
  line.Show("two");
  clock.Advance(ProgressLine::kPlainInterval);
  line.Show("three");
  EXPECT_EQ(err.str(), "one\nthree\n");
}

TEST(ProgressLine, LeavesNothingOnATerminal) {
  SimulatedClock clock;
  std::ostringstream out, err;
  Terminal terminal{out, err, true, true};
  {
    ProgressLine(terminal, clock).Show("one");
  }
  EXPECT_EQ(err.str(), "\r\x1b[Kone\r\x1b[K");
}

TEST(Durations, ReadLikeTimes) {
  EXPECT_EQ(DurationText(absl::Milliseconds(120)), "0.12 s");
  EXPECT_EQ(DurationText(absl::Milliseconds(3400)), "3.4 s");
  EXPECT_EQ(DurationText(absl::Seconds(59)), "59 s");
  EXPECT_EQ(DurationText(absl::Seconds(3725)), "1 h 2 min");
  EXPECT_EQ(WithThousands(1234567), "1,234,567");
  EXPECT_EQ(WithThousands(-1000), "-1,000");
  EXPECT_EQ(WithThousands(999), "999");
}

}  // namespace
}  // namespace sluice
