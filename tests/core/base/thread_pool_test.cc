#include "core/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>

#include "core/base/notification.h"

namespace sluice {
namespace {

TEST(ThreadPool, RefusesOptionsOutOfRangeByName) {
  const auto none = ThreadPool::Create({.name = "t", .num_threads = 0});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(none.status().message(), "num_threads=0, want 1..1024");
  const auto no_queue = ThreadPool::Create({.name = "t", .num_threads = 1, .max_queued_closures = 0});
  EXPECT_EQ(no_queue.status().code(), absl::StatusCode::kInvalidArgument);
}

// What was accepted runs even when the pool is destroyed right after.
TEST(ThreadPool, DestructorRunsWhatWasAccepted) {
  std::atomic<int> ran = 0;
  {
    auto pool = ThreadPool::Create({.name = "t", .num_threads = 2}).value();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(pool->TrySchedule([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 100);
}

// The bound holds: with its one thread busy, a pool of two places takes two closures and refuses the third.
TEST(ThreadPool, RefusesBeyondItsBound) {
  Notification started;
  Notification go_on;
  auto pool = ThreadPool::Create({.name = "t", .num_threads = 1, .max_queued_closures = 2}).value();
  ASSERT_TRUE(pool->TrySchedule([&] {
    started.Notify();
    go_on.Wait();
  }));
  started.Wait();
  EXPECT_TRUE(pool->TrySchedule([] {}));
  EXPECT_TRUE(pool->TrySchedule([] {}));
  EXPECT_FALSE(pool->TrySchedule([] {}));
  EXPECT_EQ(pool->QueuedClosures(), 2);
  go_on.Notify();
}

}  // namespace
}  // namespace sluice
