#include "core/base/notification.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

#include "absl/time/clock.h"
#include "core/base/thread.h"
#include "gtest/gtest.h"

namespace {

std::atomic<bool> wall_clock_runs_back{false};
std::atomic<time_t> seconds_back{0};

}  // namespace

// In place of libc's for this program: while `wall_clock_runs_back`, each look at the wall clock finds it an
// hour earlier.
extern "C" int clock_gettime(clockid_t id, timespec* time) {
  const int result = static_cast<int>(syscall(SYS_clock_gettime, id, time));
  if (id == CLOCK_REALTIME && wall_clock_runs_back) time->tv_sec -= seconds_back += 3600;
  return result;
}

namespace sluice {
namespace {

TEST(NotificationTest, AWaitEndsInTimeWhileTheWallClockIsSetBack) {
  wall_clock_runs_back = true;
  const absl::Time earlier = absl::Now();
  EXPECT_LT(absl::Now(), earlier) << "the wall clock of this test does not run back";
  EXPECT_FALSE(Notification().WaitFor(absl::Milliseconds(20)));
  wall_clock_runs_back = false;
}

TEST(NotificationTest, AnInfiniteWaitEndsByTheNotification) {
  Notification notification;
  Thread notifier("notifier", [&] { notification.Notify(); });
  EXPECT_TRUE(notification.WaitFor(absl::InfiniteDuration()));
}

TEST(NotificationTest, OnceNotifiedNoWaitTakesTime) {
  Notification notification;
  EXPECT_FALSE(notification.HasBeenNotified());
  EXPECT_FALSE(notification.WaitFor(absl::ZeroDuration()));
  notification.Notify();
  EXPECT_TRUE(notification.HasBeenNotified());
  EXPECT_TRUE(notification.WaitFor(absl::ZeroDuration()));
  notification.Wait();
}

}  // namespace
}  // namespace sluice
