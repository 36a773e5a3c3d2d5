#include "core/batching/codel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>

namespace sluice {
namespace {

constexpr absl::Duration kTarget = absl::Milliseconds(100);
constexpr absl::Duration kInterval = absl::Milliseconds(500);
constexpr absl::Duration kForever = absl::InfiniteDuration();

class CodelTest : public testing::Test {
 protected:
  // The oldest has waited `wait` at every step of 50 ms for `time`.
  absl::Duration Stand(absl::Duration wait, absl::Duration time) {
    absl::Duration patience = kForever;
    for (const absl::Duration end = now_ + time; now_ < end; now_ += absl::Milliseconds(50)) {
      patience = codel_.Patience(wait, now_);
    }
    return patience;
  }

  absl::Duration now_ = absl::Hours(1);
  Codel codel_{{kTarget, kInterval}};
};

TEST_F(CodelTest, AShortQueueIsLeftAlone) {
  EXPECT_EQ(Stand(kTarget, absl::Seconds(5)), kForever);
}

// A burst is what queues are for: however long it makes work wait, nothing goes before the interval is over.
TEST_F(CodelTest, ABurstIsWorkedOff) {
  EXPECT_EQ(Stand(absl::Seconds(3), kInterval), kForever);
  EXPECT_EQ(Stand(absl::Milliseconds(20), absl::Milliseconds(50)), kForever);
  EXPECT_EQ(Stand(absl::Seconds(3), kInterval - absl::Milliseconds(50)), kForever);
}

TEST_F(CodelTest, AStandingQueueIsCutToTwiceTheTarget) {
  EXPECT_EQ(Stand(absl::Seconds(3), kInterval + absl::Milliseconds(50)), 2 * kTarget);
  EXPECT_TRUE(codel_.standing());
}

// Cut to twice the target the wait is still above the target, so that the overload is not forgotten each
// interval.
TEST_F(CodelTest, ItStaysCutWhileTheOverloadLasts) {
  Stand(absl::Seconds(3), absl::Seconds(1));
  EXPECT_EQ(Stand(2 * kTarget, absl::Seconds(60)), 2 * kTarget);
}

TEST_F(CodelTest, AShortWaitEndsItAtOnce) {
  Stand(absl::Seconds(3), absl::Seconds(1));
  EXPECT_EQ(Stand(kTarget, absl::Milliseconds(50)), kForever);
  EXPECT_FALSE(codel_.standing());
}

// What the queue was like before a pause says nothing about the burst after it.
TEST_F(CodelTest, AnOverloadBeforeAPauseIsForgotten) {
  Stand(absl::Seconds(3), absl::Seconds(1));
  now_ += absl::Seconds(10);
  EXPECT_EQ(Stand(absl::Seconds(1), absl::Milliseconds(50)), kForever);
}

// A server that takes 10 ms a request, asked 5 times as often as that for 20 s of virtual time, then at half
// its capacity: goodput stays, nobody who is served waits more than twice the target and one service, and 1 s
// after the overload nobody is dropped any more.
TEST_F(CodelTest, FiveTimesTheCapacityCostsNoGoodputAndIsOverAtOnce) {
  const absl::Duration service = absl::Milliseconds(10);
  const absl::Duration start = now_;
  const absl::Duration overload_end = start + absl::Seconds(20);
  const absl::Duration end = start + absl::Seconds(25);
  std::deque<absl::Duration> queue;
  absl::Duration next_arrival = start;
  int served = 0;
  int dropped_late = 0;
  absl::Duration longest_wait;
  for (; now_ < end; now_ += service) {
    for (; next_arrival <= now_; next_arrival += next_arrival < overload_end ? service / 5 : service * 2) {
      queue.push_back(next_arrival);
    }
    const absl::Duration oldest = queue.empty() ? absl::ZeroDuration() : now_ - queue.front();
    const absl::Duration patience = codel_.Patience(oldest, now_);
    while (!queue.empty() && now_ - queue.front() > patience) {
      queue.pop_front();
      if (now_ > overload_end + absl::Seconds(1)) ++dropped_late;
    }
    if (queue.empty()) continue;
    if (now_ > start + absl::Seconds(2)) longest_wait = std::max(longest_wait, now_ - queue.front());
    queue.pop_front();
    if (now_ < overload_end) ++served;
  }
  EXPECT_GE(served, 1998);
  EXPECT_LE(longest_wait, 2 * kTarget);
  EXPECT_EQ(dropped_late, 0);
}

}  // namespace
}  // namespace sluice
