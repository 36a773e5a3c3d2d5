#include "core/base/thread.h"

#include <gtest/gtest.h>

#include <algorithm>

#if defined(__linux__)
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sluice {
namespace {

#if defined(__linux__)

int NicenessOfThisThread() {
  return getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)));
}

// Its share of the cores is whole, and what it starts is as it is: so gRPC's threads come to be unhurried.
TEST(Thread, AnUnhurriedThreadDoesNotInterruptAndHandsThatOn) {
  const int before = sched_getscheduler(0);
  int own = -1;
  int of_started = -1;
  int niceness = -1;
  Thread(
      "test",
      [&] {
        own = sched_getscheduler(0);
        niceness = NicenessOfThisThread();
        Thread("started", [&] { of_started = sched_getscheduler(0); }).Join();
      },
      ThreadPriority::kUnhurried)
      .Join();
  EXPECT_EQ(own, SCHED_BATCH);
  EXPECT_EQ(of_started, SCHED_BATCH);
  EXPECT_EQ(niceness, NicenessOfThisThread());
  EXPECT_EQ(sched_getscheduler(0), before);
}

TEST(Thread, ABackgroundThreadGivesWay) {
  int niceness = -1;
  Thread("test", [&] { niceness = NicenessOfThisThread(); }, ThreadPriority::kBackground).Join();
  EXPECT_EQ(niceness, std::min(19, NicenessOfThisThread() + 10));
}

TEST(Thread, HasTheTimeSliceThatItAskedForUntilItGivesItBack) {
  bool can_ask = false;
  absl::Duration of_system;
  absl::Duration asked;
  absl::Duration given_back;
  int scheduler = -1;
  int niceness = -1;
  Thread(
      "test",
      [&] {
        can_ask = SetTimeSlice(absl::ZeroDuration());
        of_system = TimeSlice();
        SetTimeSlice(absl::Milliseconds(7));
        asked = TimeSlice();
        scheduler = sched_getscheduler(0);
        niceness = NicenessOfThisThread();
        SetTimeSlice(absl::ZeroDuration());
        given_back = TimeSlice();
      },
      ThreadPriority::kUnhurried)
      .Join();
  EXPECT_EQ(scheduler, SCHED_BATCH);
  EXPECT_EQ(niceness, NicenessOfThisThread());
  if (!can_ask) GTEST_SKIP() << "threads cannot ask for time slices here: needs Linux 6.12";
  EXPECT_EQ(asked, absl::Milliseconds(7));
  EXPECT_EQ(given_back, of_system);
}

#endif

}  // namespace
}  // namespace sluice
