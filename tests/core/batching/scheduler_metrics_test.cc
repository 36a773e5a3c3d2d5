#include "core/batching/scheduler_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "tests/core/batching/test_works.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class SchedulerMetricsFeedTest : public testing::Test {
 protected:
  std::string Scrape() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  ServiceMetrics metrics_{registry_};
  SchedulerMetricsFeed feed_{metrics_.scheduler()};
  SimulatedClock clock_;
  TestWorks works_;
  std::unique_ptr<MicroBatchScheduler> scheduler_ =
      MicroBatchScheduler::Create({.interactive_memory = absl::ZeroDuration()}, clock_, &feed_).value();
};

// The gauge follows the queues: up when work comes, down when a batch takes it, a sweep drops it or the
// scheduler ends.
TEST_F(SchedulerMetricsFeedTest, QueueTokensFollowTheQueues) {
  CancellationSource source;
  EncodeWork cancelled = works_.Make(2, 7);
  cancelled.cancellation = source.token();
  ASSERT_TRUE(scheduler_->Submit(works_.Make(1, 30)).ok());
  ASSERT_TRUE(scheduler_->Submit(std::move(cancelled)).ok());
  ASSERT_TRUE(scheduler_->Submit(works_.Make(3, 50, WorkClass::kInteractive)).ok());
  EXPECT_THAT(Scrape(), HasSubstr("sluice_queue_tokens{class=\"bulk\"} 37\n"));
  EXPECT_THAT(Scrape(), HasSubstr("sluice_queue_tokens{class=\"interactive\"} 50\n"));
  source.Cancel();
  ASSERT_TRUE(scheduler_->TryNextBatch({.max_tokens = 50, .max_jobs = 1}).has_value());
  EXPECT_THAT(Scrape(), HasSubstr("sluice_queue_tokens{class=\"bulk\"} 30\n"));
  EXPECT_THAT(Scrape(), HasSubstr("sluice_queue_tokens{class=\"interactive\"} 0\n"));
  scheduler_->Close();
  EXPECT_THAT(Scrape(), HasSubstr("sluice_queue_tokens{class=\"bulk\"} 0\n"));
}

TEST_F(SchedulerMetricsFeedTest, DroppedWorkIsCountedByItsReason) {
  EncodeWork late = works_.Make(1, 5, WorkClass::kInteractive);
  late.deadline = clock_.MonotonicNow();
  CancellationSource source;
  source.Cancel();
  EncodeWork cancelled = works_.Make(2, 5);
  cancelled.cancellation = source.token();
  ASSERT_TRUE(scheduler_->Submit(std::move(late)).ok());
  ASSERT_TRUE(scheduler_->Submit(std::move(cancelled)).ok());
  EXPECT_THAT(Scrape(),
              HasSubstr("sluice_queue_dropped_total{class=\"interactive\",reason=\"overloaded\"} 0\n"));
  ASSERT_FALSE(scheduler_->TryNextBatch({}).has_value());
  EXPECT_THAT(Scrape(),
              HasSubstr("sluice_queue_dropped_total{class=\"interactive\",reason=\"deadline\"} 1\n"));
  EXPECT_THAT(Scrape(), HasSubstr("sluice_queue_dropped_total{class=\"bulk\",reason=\"cancelled\"} 1\n"));
}

// A refused work never was in the queue.
TEST_F(SchedulerMetricsFeedTest, RefusedWorkIsNotCounted) {
  ASSERT_FALSE(scheduler_->Submit(works_.Make(1, (1 << 20) + 1)).ok());
  EXPECT_THAT(Scrape(), HasSubstr("sluice_queue_tokens{class=\"bulk\"} 0\n"));
}

TEST_F(SchedulerMetricsFeedTest, ABatchShowsItsSizeAndWaits) {
  ASSERT_TRUE(scheduler_->Submit(works_.Make(1, 30)).ok());
  clock_.Advance(absl::Milliseconds(200));
  ASSERT_TRUE(scheduler_->Submit(works_.Make(2, 40, WorkClass::kInteractive)).ok());
  clock_.Advance(absl::Milliseconds(3));
  ASSERT_TRUE(scheduler_->TryNextBatch({}).has_value());
  const std::string scrape = Scrape();
  EXPECT_THAT(scrape, HasSubstr("sluice_microbatch_jobs_sum 2\n"));
  EXPECT_THAT(scrape, HasSubstr("sluice_microbatch_tokens_sum 70\n"));
  EXPECT_THAT(scrape, HasSubstr("sluice_microbatch_tokens_count 1\n"));
  EXPECT_THAT(scrape, HasSubstr("sluice_queue_wait_seconds_sum{class=\"bulk\"} 0.203\n"));
  EXPECT_THAT(scrape, HasSubstr("sluice_queue_wait_seconds_sum{class=\"interactive\"} 0.003\n"));
}

}  // namespace
}  // namespace sluice
