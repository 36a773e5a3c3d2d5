#include "core/pipeline/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/pipeline/pipeline_loop.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using testing::ElementsAre;

std::string TakeFrom(FairQueue& queue, int64_t steps) {
  FairQueue::Turn turn = queue.Take();
  std::move(turn.work)();
  queue.Charge(turn.batch_id, steps);
  return turn.batch_id;
}

SharedWork Nothing() {
  return [] { return 0; };
}

TEST(FairQueueTest, ABatchKeepsItsOrder) {
  FairQueue queue;
  std::vector<int> ran;
  for (int i = 0; i < 5; ++i) {
    queue.Add("a", [&ran, i] {
      ran.push_back(i);
      return 0;
    });
  }
  while (!queue.empty()) TakeFrom(queue, 1);
  EXPECT_THAT(ran, ElementsAre(0, 1, 2, 3, 4));
}

// However many pieces others have waiting, a batch that was served little is next or next but one.
TEST(FairQueueTest, ASmallBatchDoesNotWaitForLargeOnes) {
  FairQueue queue;
  for (int batch = 0; batch < 20; ++batch) {
    for (int piece = 0; piece < 100; ++piece) queue.Add(absl::StrCat("large-", batch), Nothing());
  }
  for (int i = 0; i < 200; ++i) TakeFrom(queue, 1'000'000);
  for (int step = 0; step < 5; ++step) {
    queue.Add("small", Nothing());
    int turns = 1;
    while (TakeFrom(queue, 1000) != "small") ++turns;
    EXPECT_LE(turns, 2) << step;
  }
}

// Two batches of like pieces share the workers by half, whichever came first.
TEST(FairQueueTest, BatchesThatGoOnShareByHalf) {
  FairQueue queue;
  std::map<std::string, int> turns;
  for (int i = 0; i < 100; ++i) queue.Add("first", Nothing());
  for (int i = 0; i < 100; ++i) queue.Add("second", Nothing());
  for (int i = 0; i < 100; ++i) ++turns[TakeFrom(queue, 1000)];
  EXPECT_NEAR(turns["first"], 50, 5);
}

// No stream of new batches keeps an old one waiting for ever.
TEST(FairQueueTest, NewBatchesDoNotStarveAnOldOne) {
  FairQueue queue;
  queue.Add("old", Nothing());
  TakeFrom(queue, 1'000'000'000);
  queue.Add("old", Nothing());
  for (int turn = 0; turn < 4; ++turn) {
    queue.Add(absl::StrCat("new-", turn), Nothing());
    if (TakeFrom(queue, 1) == "old") return;
  }
  FAIL() << "the old batch had no turn of four";
}

// Who is next is decided when a worker is free, not when the work came.
TEST(PipelineLoopSharesTest, AWorkerTakesTheBatchThatWasServedLeast) {
  SimulatedClock clock;
  ManualExecutor executor;
  auto loop = std::make_shared<PipelineLoop>(clock, executor, /*workers=*/1);
  std::vector<std::string> ran;
  const auto offload = [&](const std::string& batch_id) {
    loop->Offload(batch_id, [&ran, batch_id] {
      ran.push_back(batch_id);
      return int64_t{1'000'000};
    });
  };
  for (int i = 0; i < 3; ++i) offload("hostile");
  EXPECT_EQ(executor.size(), 1);
  executor.RunOne();
  offload("small");
  executor.RunOne();
  executor.RunOne();
  EXPECT_THAT(ran, testing::Contains("small"));
  executor.RunAll();
  EXPECT_EQ(ran.size(), 4u);
  loop->Close();
}

// A piece that adds the rest of itself gives the worker to whoever waits.
TEST(PipelineLoopSharesTest, WorkThatGoesOnTakesTurns) {
  SimulatedClock clock;
  ManualExecutor executor;
  auto loop = std::make_shared<PipelineLoop>(clock, executor, /*workers=*/1);
  std::vector<std::string> ran;
  std::function<void(std::string, int)> go_on = [&](const std::string& batch_id, int left) {
    loop->Offload(batch_id, [&, batch_id, left] {
      ran.push_back(batch_id);
      if (left > 1) go_on(batch_id, left - 1);
      return int64_t{1000};
    });
  };
  go_on("a", 4);
  go_on("b", 4);
  executor.RunAll();
  ASSERT_EQ(ran.size(), 8u);
  EXPECT_EQ(std::count(ran.begin(), ran.begin() + 4, "a"), 2);
  loop->Close();
}

}  // namespace
}  // namespace sluice
