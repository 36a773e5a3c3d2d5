// What a server takes for its memory, beside an allocator that keeps what was freed.
#include "server/memory_upkeep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace sluice {
namespace {

constexpr int64_t kMib = 1 << 20;

class MemoryUpkeepTest : public testing::Test {
 protected:
  static constexpr int64_t kAtStart = 100 * kMib;
  static constexpr int64_t kMark = 400 * kMib;

  void Use(int64_t bytes) {
    used_ = bytes;
    held_ = std::max(held_, used_);
  }

  int64_t used_ = kAtStart;
  int64_t held_ = kAtStart;  // as the system counts it
  int given_back_ = 0;
  absl::Duration now_;
  MemoryUpkeep upkeep_{kMark,
                       {.held_bytes = [this] { return held_; },
                        .give_back =
                            [this] {
                              held_ = used_;
                              ++given_back_;
                            },
                        .monotonic_now = [this] { return now_; }}};
};

TEST_F(MemoryUpkeepTest, WhatWasFreedDoesNotCountAboveTheMark) {
  EXPECT_EQ(upkeep_.Measure(), kAtStart);
  Use(564 * kMib);
  EXPECT_EQ(upkeep_.Measure(), 564 * kMib);
  Use(kAtStart);
  EXPECT_EQ(upkeep_.Measure(), kAtStart);
}

TEST_F(MemoryUpkeepTest, WhatWasFreedGoesBackWithinTwentySecondsBelowTheMarkToo) {
  EXPECT_EQ(upkeep_.Measure(), kAtStart);
  Use(300 * kMib);
  for (int second = 0; second < 60; ++second, now_ += absl::Seconds(1)) upkeep_.Measure();
  Use(kAtStart);
  for (int second = 0; second < 20; ++second, now_ += absl::Seconds(1)) upkeep_.Measure();
  EXPECT_EQ(upkeep_.Measure(), kAtStart);
}

TEST_F(MemoryUpkeepTest, LeavesTheAllocatorAloneWhileLittleMoreIsHeldThanAtTheStart) {
  EXPECT_EQ(upkeep_.Measure(), kAtStart);
  Use(kAtStart + 32 * kMib);
  for (int second = 0; second < 60; ++second, now_ += absl::Seconds(1)) upkeep_.Measure();
  EXPECT_EQ(given_back_, 0);
}

TEST_F(MemoryUpkeepTest, AsksSeldomWhereAllThatIsHeldIsUsed) {
  EXPECT_EQ(upkeep_.Measure(), kAtStart);
  Use(300 * kMib);
  for (int second = 0; second < 600; ++second, now_ += absl::Seconds(1)) upkeep_.Measure();
  EXPECT_LE(given_back_, 32);
}

TEST(GiveBackFreeMemory, DoesNotTouchWhatIsUsed) {
  std::vector<std::string> kept(1000, std::string(1000, 'x'));
  GiveBackFreeMemory();
  for (const std::string& each : kept) EXPECT_EQ(each, std::string(1000, 'x'));
}

}  // namespace
}  // namespace sluice
