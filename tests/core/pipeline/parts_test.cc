// The pipeline's pure parts and its loop.
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "core/base/error_details.h"
#include "core/base/notification.h"
#include "core/base/thread.h"
#include "core/base/thread_pool.h"
#include "core/base/utf8_boundary.h"
#include "core/pipeline/batch_cache.h"
#include "core/pipeline/credit.h"
#include "core/pipeline/job_meters.h"
#include "core/pipeline/lease.h"
#include "core/pipeline/page_screening.h"
#include "core/pipeline/pipeline_loop.h"
#include "core/pipeline/window_encode.h"
#include "gtest/gtest.h"
#include "prometheus/registry.h"
#include "tests/fakes/line_codec.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

// Three windows of 4, 4 and 2 tokens along the axes: the mean (0.4, 0.4, 0.2) at length 1 is (2, 2, 1) / 3.
TEST(PoolWindowsTest, WeighsByTokensAndNormalises) {
  const std::vector<std::vector<float>> vectors = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  const std::vector<float> pooled = PoolWindows(vectors, {4, 4, 2});
  EXPECT_FLOAT_EQ(pooled[0], 2.0f / 3);
  EXPECT_FLOAT_EQ(pooled[1], 2.0f / 3);
  EXPECT_FLOAT_EQ(pooled[2], 1.0f / 3);
}

// One window is not touched, not even rounded.
TEST(PoolWindowsTest, OneWindowIsAnsweredAsItIs) {
  const std::vector<std::vector<float>> one = {{0.1f, 0.7f}};
  EXPECT_EQ(PoolWindows(one, {9}), one[0]);
}

TEST(PoolWindowsTest, OppositeWindowsGiveZeros) {
  const std::vector<std::vector<float>> opposite = {{1, 0}, {-1, 0}};
  EXPECT_EQ(PoolWindows(opposite, {3, 3}), (std::vector<float>{0, 0}));
  EXPECT_EQ(Cosine({0, 0}, {1, 0}), 0);
}

TEST(CosineTest, DoesNotDependOnLength) {
  EXPECT_DOUBLE_EQ(Cosine({3, 0}, {5, 0}), 1);
  EXPECT_DOUBLE_EQ(Cosine({3, 0}, {0, 2}), 0);
  EXPECT_DOUBLE_EQ(Cosine({1, 1}, {-1, -1}), -1);
}

// Ranges touch and cover the page whatever the numbers.
TEST(SplitPageTest, CoversThePageOnce) {
  for (size_t postings : {0, 1, 15, 16, 17, 255, 256}) {
    for (int workers : {1, 2, 3, 8, 256}) {
      const std::vector<PostingRange> ranges = SplitPage(postings, workers, 16);
      ASSERT_FALSE(ranges.empty());
      EXPECT_LE(ranges.size(), static_cast<size_t>(workers));
      size_t next = 0;
      for (const PostingRange& range : ranges) {
        EXPECT_EQ(range.begin, next);
        next = range.end;
        if (ranges.size() > 1) {
          EXPECT_GE(range.end - range.begin, 16u);
        }
      }
      EXPECT_EQ(next, postings);
    }
  }
}

TEST(FailedOutcomeTest, KeepsWhatTheStatusSays) {
  const NewOutcome outcome = FailedOutcome(WithReason(absl::DataLossError("no row"), "NO_ROW"));
  EXPECT_EQ(outcome.kind, OutcomeKind::kFailed);
  EXPECT_EQ(outcome.error_code, absl::StatusCode::kDataLoss);
  EXPECT_EQ(outcome.error_reason, "NO_ROW");
  EXPECT_EQ(outcome.error_message, "no row");
  EXPECT_EQ(FailedOutcome(absl::DataLossError("no row")).error_reason, "DATA_LOSS");
}

// Half a character is no UTF-8, and a client's parser refuses the whole answer that has it.
TEST(FailedOutcomeTest, CutsALongMessageBetweenCharacters) {
  std::string message = "x";
  while (message.size() < 2000) message += "ä";
  const NewOutcome outcome = FailedOutcome(absl::InternalError(message));
  EXPECT_TRUE(IsWellFormedUtf8(outcome.error_message));
  EXPECT_LE(outcome.error_message.size(), 1024u);
  EXPECT_TRUE(absl::EndsWith(outcome.error_message, "ä…"));
}

// As large as a test says.
class LargeVerdicts final : public LineCodec {
 public:
  explicit LargeVerdicts(size_t bytes) : bytes_(bytes) {}
  std::string EncodeVerdict(const Verdict&) const override { return std::string(bytes_, 'x'); }

 private:
  const size_t bytes_;
};

// What no answer can hold is a failure that says so, at the job that it is of.
TEST(VerdictOutcomeTest, AVerdictThatFitsNoAnswerFails) {
  EXPECT_EQ(VerdictOutcome(LargeVerdicts(kMaxResultBytes), {}).kind, OutcomeKind::kSucceeded);
  const NewOutcome outcome = VerdictOutcome(LargeVerdicts(kMaxResultBytes + 1), {});
  EXPECT_EQ(outcome.kind, OutcomeKind::kFailed);
  EXPECT_EQ(outcome.error_code, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outcome.error_reason, "RESULT_TOO_LARGE");
}

TEST(CountedRateTest, CountsTheLastFiveSecondsOfTheTimeThatCounts) {
  CountedRate rate;
  EXPECT_EQ(rate.PerSecond(absl::Seconds(100)), 0);
  rate.SetCounting(absl::Seconds(100), true);
  rate.Add(absl::Seconds(100), 1);
  EXPECT_EQ(rate.PerSecond(absl::Seconds(100.9)), 0);  // a first event says nothing yet
  for (int second = 101; second < 105; ++second) rate.Add(absl::Seconds(second), 50);
  EXPECT_DOUBLE_EQ(rate.PerSecond(absl::Seconds(105)), 50);  // 200 in four seconds: the fifth is yet to come
  rate.SetCounting(absl::Seconds(105), false);
  EXPECT_DOUBLE_EQ(rate.PerSecond(absl::Hours(5)), 50);
  rate.SetCounting(absl::Hours(5), true);
  rate.Add(absl::Hours(5) + absl::Seconds(4), 400);
  EXPECT_DOUBLE_EQ(rate.PerSecond(absl::Hours(5) + absl::Seconds(5)), 100);
  EXPECT_EQ(rate.PerSecond(absl::Hours(5) + absl::Seconds(20)), 0);
}

// Plays batches of one job in virtual time: each takes 20 ms, two at a time.
class OneJobBatches {
 public:
  // One at a time, so that there is room for another all along.
  void Trickle(int batches, absl::Duration every) {
    for (int i = 0; i < batches; ++i) {
      rate.SetWork(now, ServiceRate::Work::kSome);
      rate.Add(now + kTime, 1);
      rate.SetWork(now + kTime, ServiceRate::Work::kNone);
      now += every;
    }
  }
  // So many that they wait; the answer is how much too long the time of the rest is said to be, at worst.
  double Burst(int batches) {
    double worst = 0;
    rate.SetWork(now, ServiceRate::Work::kMoreThanFits);
    for (int left = batches; left > 0; left -= 2) {
      now += kTime;
      rate.Add(now, 2);
      if (const double per_second = rate.PerSecond(now); per_second > 0)
        worst = std::max(worst, (left / per_second) / (left / 2 * absl::ToDoubleSeconds(kTime)));
    }
    rate.SetWork(now, ServiceRate::Work::kNone);
    return worst;
  }

  ServiceRate rate;
  absl::Duration now = absl::Seconds(100);

 private:
  static constexpr absl::Duration kTime = absl::Milliseconds(20);
};

// A burst that follows an idle or a quiet time is judged by how fast work goes, not by how slowly it came.
TEST(ServiceRateTest, AQuietTimeBeforeABurstDoesNotMakeItLookLong) {
  OneJobBatches at_first;
  EXPECT_LT(at_first.Burst(1000), 1.1);

  OneJobBatches quiet;
  quiet.Trickle(100, absl::Seconds(1));
  EXPECT_NEAR(quiet.rate.PerSecond(quiet.now), 50, 1);
  EXPECT_LT(quiet.Burst(1000), 2.1);  // one at a time is half of what two are
  quiet.Trickle(100, absl::Seconds(10));
  EXPECT_LT(quiet.Burst(1000), 1.1);
}

// Slower work is noticed as it goes, and work that stands is no reason to forget what is known.
TEST(ServiceRateTest, FollowsWorkThatGetsSlower) {
  ServiceRate rate;
  absl::Duration now = absl::Seconds(100);
  rate.SetWork(now, ServiceRate::Work::kMoreThanFits);
  for (int i = 0; i < 20; ++i) rate.Add(now += absl::Seconds(1), 1000);
  EXPECT_NEAR(rate.PerSecond(now), 1000, 250);
  for (int i = 0; i < 6; ++i) rate.Add(now += absl::Seconds(1), 10);
  EXPECT_NEAR(rate.PerSecond(now), 10, 3);
  EXPECT_GT(rate.PerSecond(now + absl::Minutes(5)), 0);
}

// A backlog of what only a model can go on with would never shrink where there is none; it is queued all the
// same.
TEST(JobMetersTest, WhatWaitsForAModelIsNoBacklogWithoutOne) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  JobMeters meters(&metrics);
  const absl::Duration now = absl::Seconds(100);
  meters.SetWork(ServiceRate::Work::kMoreThanFits, now - absl::Seconds(1));
  meters.CountRecorded(JobKind::kScreen, OutcomeKind::kSucceeded, now - absl::Seconds(1), 20);
  StoreStats stats;
  stats.kinds[JobKind::kScreen].ready_jobs = 500;
  stats.kinds[JobKind::kEmbed].leased_jobs = 40;
  stats.kinds[JobKind::kScreen].planned_jobs = 400;
  meters.SetQueue(stats, /*has_model=*/true, now);
  EXPECT_EQ(metrics.pipeline().backlog_seconds->Value(), 27);
  meters.SetQueue(stats, /*has_model=*/false, now);
  EXPECT_EQ(metrics.pipeline().backlog_seconds->Value(), 7);
  // How long books take, no rate of jobs tells: they are none of it.
  stats.kinds[JobKind::kArchive].ready_jobs = 1000;
  meters.CountRecorded(JobKind::kArchive, OutcomeKind::kSucceeded, now, 1000);
  meters.SetQueue(stats, /*has_model=*/false, now);
  EXPECT_EQ(metrics.pipeline().backlog_seconds->Value(), 7);
  EXPECT_EQ(metrics.pipeline().kinds.at(JobKind::kArchive).queue_jobs->Value(), 1000);
  EXPECT_EQ(metrics.pipeline().kinds.at(JobKind::kScreen).queue_jobs->Value(), 500);
}

// The estimate follows what was tokenized.
TEST(PayloadDensityTest, LearnsBytesPerToken) {
  PayloadDensity density;
  EXPECT_DOUBLE_EQ(density.BytesPerToken(), 2);
  density.Learn(5'000'000, 1'000'000);
  EXPECT_NEAR(density.BytesPerToken(), 5, 0.01);
  EXPECT_NEAR(static_cast<double>(density.TokensOf(1000)), 200, 2);
}

TEST(WorthClaimingTest, WaitsForAQuarterUnlessIdle) {
  EXPECT_TRUE(WorthClaiming(25, 100, /*idle=*/false));
  EXPECT_FALSE(WorthClaiming(24, 100, false));
  EXPECT_TRUE(WorthClaiming(1, 100, true));
  EXPECT_FALSE(WorthClaiming(0, 100, true));
}

// Asked twice while it is made, a value is made once; the least recently used one goes; failures are not
// kept.
TEST(BatchCacheTest, MakesOnceKeepsTheLatest) {
  std::vector<std::string> asked;
  std::vector<BatchCache<int>::Done> making;
  BatchCache<int> cache(2, [&](const std::string& id, BatchCache<int>::Done made) {
    asked.push_back(id);
    making.push_back(std::move(made));
  });
  int answers = 0;
  const auto get = [&](const std::string& id) {
    cache.Get(id, [&](BatchCache<int>::Answer answer) { answers += answer.ok(); });
  };
  get("a");
  get("a");
  EXPECT_EQ(asked.size(), 1u);
  std::move(making[0])(std::make_shared<const int>(1));
  EXPECT_EQ(answers, 2);
  for (const char* id : {"b", "a", "c"}) {
    get(id);
    if (making.size() > 1 && std::string(id) != "a") std::move(making.back())(std::make_shared<const int>(2));
  }
  EXPECT_EQ(cache.size(), 2);
  get("a");
  EXPECT_EQ(asked, (std::vector<std::string>{"a", "b", "c"}));
  get("b");
  EXPECT_EQ(asked.back(), "b");
  std::move(making.back())(absl::UnavailableError("store"));
  get("b");
  EXPECT_EQ(asked.size(), 5u);
}

// Alarms run when the clock says so, after what was posted.
TEST(PipelineLoopTest, RunsAlarmsWhenDue) {
  SimulatedClock clock;
  ManualExecutor executor;
  auto loop = std::make_shared<PipelineLoop>(clock, executor);
  Notification set;
  Notification rang;
  Thread thread("loop", [&] { loop->Run(); });
  loop->Post([&] {
    loop->After(absl::Seconds(5), [&] { rang.Notify(); });
    set.Notify();
  });
  set.Wait();
  EXPECT_FALSE(rang.HasBeenNotified());
  clock.Advance(absl::Seconds(5));
  loop->Post([] {});
  EXPECT_TRUE(rang.WaitFor(absl::Seconds(20)));
  loop->Close();
}

// An executor that is full delays work, but does not lose it.
TEST(PipelineLoopTest, OffloadsAgainWhenTheExecutorIsFull) {
  SimulatedClock clock;
  ManualExecutor executor(/*max_queued_closures=*/1);
  auto loop = std::make_shared<PipelineLoop>(clock, executor);
  int ran = 0;
  Thread thread("loop", [&] { loop->Run(); });
  for (int i = 0; i < 3; ++i) loop->Offload("batch", [&] { return ++ran; });
  for (int round = 0; round < 3; ++round) {
    while (!executor.RunOne()) {
      clock.Advance(absl::Milliseconds(2));
      Notification turned;
      loop->Post([&] { turned.Notify(); });
      turned.Wait();
    }
  }
  EXPECT_EQ(ran, 3);
  loop->Close();
}

// What arrives after Close is dropped, and Close's owner can wait for what runs.
TEST(PipelineLoopTest, DropsEverythingAfterClose) {
  SimulatedClock clock;
  ManualExecutor executor;
  auto loop = std::make_shared<PipelineLoop>(clock, executor);
  bool ran = false;
  loop->Offload("batch", [&] {
    ran = true;
    return 1;
  });
  auto answer = loop->Answer<int>([&](int) { ran = true; });
  loop->Close();
  loop->Run();
  loop->AwaitOffloaded();
  executor.RunAll();
  answer(1);
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace sluice
