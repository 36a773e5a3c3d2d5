#include "core/batching/micro_batch_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error_details.h"
#include "core/base/thread.h"
#include "tests/core/batching/test_works.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kCancelled = absl::StatusCode::kCancelled;
constexpr auto kDeadlineExceeded = absl::StatusCode::kDeadlineExceeded;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
constexpr auto kResourceExhausted = absl::StatusCode::kResourceExhausted;
constexpr auto kInvalidArgument = absl::StatusCode::kInvalidArgument;

class MicroBatchSchedulerTest : public testing::Test {
 protected:
  MicroBatchScheduler& Scheduler() {
    if (scheduler_ == nullptr) scheduler_ = MicroBatchScheduler::Create(options_, clock_, nullptr).value();
    return *scheduler_;
  }

  // Classes share batches unless a test says otherwise.
  SchedulerOptions options_ = {.interactive_memory = absl::ZeroDuration()};
  MicroBatchLimits limits_ = {.max_tokens = 100, .max_jobs = 4};
  SimulatedClock clock_;
  TestWorks works_;
  std::unique_ptr<MicroBatchScheduler> scheduler_;
};

TEST_F(MicroBatchSchedulerTest, HandsOutWhatWasSubmitted) {
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 30)).ok());
  ASSERT_TRUE(Scheduler().Submit(works_.Make(2, 30)).ok());
  std::optional<MicroBatch> batch = Scheduler().TryNextBatch(limits_);
  ASSERT_TRUE(batch.has_value());
  EXPECT_THAT(Names(*batch), ElementsAre(1, 2));
  EXPECT_EQ(batch->tokens, 60);
  EXPECT_THAT(works_.Answers(1), IsEmpty());
  Finish(*std::move(batch));
  EXPECT_THAT(works_.Answers(1), ElementsAre(kOk));
  EXPECT_FALSE(Scheduler().TryNextBatch(limits_).has_value());
}

// Work no longer wanted is answered when a batch is formed, with the code that says why, and is never
// encoded.
TEST_F(MicroBatchSchedulerTest, DropsCancelledAndLateWork) {
  CancellationSource source;
  EncodeWork cancelled = works_.Make(1, 10);
  cancelled.cancellation = source.token();
  EncodeWork late = works_.Make(2, 10);
  late.deadline = clock_.MonotonicNow() + absl::Seconds(1);
  ASSERT_TRUE(Scheduler().Submit(std::move(cancelled)).ok());
  ASSERT_TRUE(Scheduler().Submit(std::move(late)).ok());
  ASSERT_TRUE(Scheduler().Submit(works_.Make(3, 10)).ok());
  source.Cancel();
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(works_.Answers(1), IsEmpty());
  const std::optional<MicroBatch> batch = Scheduler().TryNextBatch(limits_);
  ASSERT_TRUE(batch.has_value());
  EXPECT_THAT(Names(*batch), ElementsAre(3));
  EXPECT_THAT(works_.Answers(1), ElementsAre(kCancelled));
  EXPECT_THAT(works_.Answers(2), ElementsAre(kDeadlineExceeded));
}

// Dropped work takes no place in the look-ahead: a queue full of it does not leave a batch unfilled.
TEST_F(MicroBatchSchedulerTest, DroppedWorkDoesNotUseUpTheLookAhead) {
  options_.look_ahead_works = 2;
  CancellationSource source;
  for (int32_t name = 0; name < 1000; ++name) {
    EncodeWork work = works_.Make(name, 1);
    if (name < 996) work.cancellation = source.token();
    ASSERT_TRUE(Scheduler().Submit(std::move(work)).ok());
  }
  source.Cancel();
  const std::optional<MicroBatch> batch = Scheduler().TryNextBatch(limits_);
  ASSERT_TRUE(batch.has_value());
  EXPECT_THAT(Names(*batch), ElementsAre(996, 997, 998, 999));
  EXPECT_EQ(works_.answered(), 996u);
}

TEST_F(MicroBatchSchedulerTest, RefusesWorkWithoutTokens) {
  EXPECT_EQ(Scheduler().Submit(works_.Make(1, 0)).code(), kInvalidArgument);
  EXPECT_EQ(works_.answered(), 0u);
}

// A full class says so, with the reason and when to come back, and leaves the other class alone.
TEST_F(MicroBatchSchedulerTest, RefusesBeyondTheBoundOfTheClass) {
  options_.max_queued_works[static_cast<int>(WorkClass::kBulk)] = 2;
  options_.max_queued_tokens[static_cast<int>(WorkClass::kInteractive)] = 50;
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 1)).ok());
  ASSERT_TRUE(Scheduler().Submit(works_.Make(2, 1)).ok());
  const absl::Status by_works = Scheduler().Submit(works_.Make(3, 1));
  EXPECT_EQ(by_works.code(), kResourceExhausted);
  EXPECT_EQ(ReasonOf(by_works), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(by_works), absl::Seconds(1));
  EXPECT_THAT(std::string(by_works.message()),
              HasSubstr("bulk queue holds at most 1048576 tokens in 2 texts"));

  ASSERT_TRUE(Scheduler().Submit(works_.Make(4, 50, WorkClass::kInteractive)).ok());
  const absl::Status by_tokens = Scheduler().Submit(works_.Make(5, 1, WorkClass::kInteractive));
  EXPECT_EQ(by_tokens.code(), kResourceExhausted);
  EXPECT_EQ(ReasonOf(by_tokens), "QUEUE_FULL");
  EXPECT_THAT(works_.Answers(3), IsEmpty());

  // Room made is room given.
  ASSERT_TRUE(Scheduler().TryNextBatch(limits_).has_value());
  EXPECT_TRUE(Scheduler().Submit(works_.Make(6, 1)).ok());
}

// The delay is what the oldest has waited, which is about what a full queue takes, within a second and a
// minute.
TEST_F(MicroBatchSchedulerTest, TheRetryDelayFollowsTheQueue) {
  options_.max_queued_works[static_cast<int>(WorkClass::kBulk)] = 1;
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 1)).ok());
  clock_.Advance(absl::Seconds(7));
  EXPECT_EQ(RetryDelayOf(Scheduler().Submit(works_.Make(2, 1))), absl::Seconds(7));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(RetryDelayOf(Scheduler().Submit(works_.Make(2, 1))), absl::Seconds(60));
}

// What can never fit is told so, without a delay that would make a client try for ever.
TEST_F(MicroBatchSchedulerTest, WhatNeverFitsIsNotToldToRetry) {
  options_.max_queued_tokens[static_cast<int>(WorkClass::kBulk)] = 10;
  const absl::Status status = Scheduler().Submit(works_.Make(1, 11));
  EXPECT_EQ(status.code(), kResourceExhausted);
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(status), std::nullopt);
  EXPECT_THAT(std::string(status.message()), HasSubstr("send fewer at once"));
}

// All or none: one work too many, or one without tokens, and none of them waits.
TEST_F(MicroBatchSchedulerTest, SubmitAllIsAtomic) {
  options_.max_queued_works[static_cast<int>(WorkClass::kInteractive)] = 2;
  std::vector<EncodeWork> too_many;
  too_many.push_back(works_.Make(1, 5));
  for (int32_t name : {2, 3, 4}) too_many.push_back(works_.Make(name, 5, WorkClass::kInteractive));
  EXPECT_EQ(Scheduler().SubmitAll(std::move(too_many)).code(), kResourceExhausted);

  std::vector<EncodeWork> one_empty;
  one_empty.push_back(works_.Make(5, 5));
  one_empty.push_back(works_.Make(6, 0));
  EXPECT_EQ(Scheduler().SubmitAll(std::move(one_empty)).code(), kInvalidArgument);

  EXPECT_FALSE(Scheduler().TryNextBatch(limits_).has_value());
  EXPECT_EQ(works_.answered(), 0u);

  std::vector<EncodeWork> fitting;
  for (int32_t name : {7, 8}) fitting.push_back(works_.Make(name, 5, WorkClass::kInteractive));
  EXPECT_TRUE(Scheduler().SubmitAll(std::move(fitting)).ok());
  EXPECT_THAT(Names(*Scheduler().TryNextBatch(limits_)), ElementsAre(7, 8));
  EXPECT_TRUE(Scheduler().SubmitAll({}).ok());
}

// Credit counts bulk work that waits here, and only that.
TEST_F(MicroBatchSchedulerTest, CreditIsTheTargetLessWaitingBulkTokens) {
  EXPECT_EQ(Scheduler().BulkCreditTokens(200), 200);
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 60)).ok());
  ASSERT_TRUE(Scheduler().Submit(works_.Make(2, 60)).ok());
  ASSERT_TRUE(Scheduler().Submit(works_.Make(3, 10, WorkClass::kInteractive)).ok());
  EXPECT_EQ(Scheduler().BulkCreditTokens(200), 80);
  EXPECT_EQ(Scheduler().BulkCreditTokens(100), -20);
  ASSERT_TRUE(Scheduler().TryNextBatch(limits_).has_value());
  EXPECT_EQ(Scheduler().BulkCreditTokens(200), 140);
}

TEST_F(MicroBatchSchedulerTest, SnapshotShowsWhatWaits) {
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 60)).ok());
  clock_.Advance(absl::Milliseconds(300));
  ASSERT_TRUE(Scheduler().Submit(works_.Make(2, 40)).ok());
  ASSERT_TRUE(Scheduler().Submit(works_.Make(3, 10, WorkClass::kInteractive)).ok());
  const SchedulerSnapshot snapshot = Scheduler().Snapshot();
  EXPECT_THAT(snapshot.queued_tokens, ElementsAre(10, 100));
  EXPECT_THAT(snapshot.queued_works, ElementsAre(1, 2));
  EXPECT_THAT(snapshot.oldest_wait, ElementsAre(absl::ZeroDuration(), absl::Milliseconds(300)));
}

// Virtual time: interactive work floods in faster than it is served, yet a bulk work goes in the first batch
// formed once it is max_age old.
TEST_F(MicroBatchSchedulerTest, NothingWaitsLongerThanMaxAgeAndOneBatch) {
  options_.weight[static_cast<int>(WorkClass::kInteractive)] = 1e9;
  options_.max_age = absl::Seconds(2);
  // The class has had its share of one batch, so that weights alone would keep the next work waiting for
  // ever.
  ASSERT_TRUE(Scheduler().Submit(works_.Make(0, 100)).ok());
  ASSERT_TRUE(Scheduler().TryNextBatch(limits_).has_value());

  const absl::Duration batch_time = absl::Milliseconds(150);
  int32_t name = 10;
  const absl::Duration submitted = clock_.MonotonicNow();
  const auto flood = [&] {
    for (int i = 0; i < 4; ++i)
      ASSERT_TRUE(Scheduler().Submit(works_.Make(name++, 25, WorkClass::kInteractive)).ok());
  };
  flood();
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 100)).ok());
  bool served = false;
  while (!served) {
    flood();
    const std::optional<MicroBatch> batch = Scheduler().TryNextBatch(limits_);
    served = Names(*batch)[0] == 1;
    ASSERT_LT(clock_.MonotonicNow() - submitted, options_.max_age + batch_time);
    if (served) break;
    clock_.Advance(batch_time);
  }
  EXPECT_GE(clock_.MonotonicNow() - submitted, options_.max_age);
}

// A queue of calls that stands for the interval is cut to what has waited at most twice the target; what goes
// is told so and when to come again. Bulk and patient work is not dropped.
TEST_F(MicroBatchSchedulerTest, AStandingInteractiveQueueIsCut) {
  options_.codel = {.target = absl::Milliseconds(100), .interval = absl::Milliseconds(500)};
  limits_ = {.max_tokens = 10, .max_jobs = 1};
  absl::Status refusal;
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 10)).ok());
  for (int32_t name = 10; name < 30; ++name) {
    EncodeWork work = works_.Make(name, 10, WorkClass::kInteractive);
    work.patient = name == 29;
    if (name == 28) work.done = [&](absl::StatusOr<std::vector<float>> vector) { refusal = vector.status(); };
    ASSERT_TRUE(Scheduler().Submit(std::move(work)).ok());
  }
  std::vector<int32_t> served;
  for (int i = 0; i < 5; ++i) {  // 120 ms each: at 720 ms the queue has stood
    clock_.Advance(absl::Milliseconds(120));
    for (const int32_t name : Names(*Scheduler().TryNextBatch(limits_))) served.push_back(name);
  }
  clock_.Advance(absl::Milliseconds(120));
  EXPECT_FALSE(Scheduler().Snapshot().overloaded);
  std::optional<MicroBatch> batch = Scheduler().TryNextBatch(limits_);
  EXPECT_TRUE(Scheduler().Snapshot().overloaded);
  ASSERT_TRUE(batch.has_value());
  EXPECT_THAT(Scheduler().Snapshot().queued_works, ElementsAre(testing::Le(1), testing::Le(1)));
  EXPECT_THAT(works_.Answers(27), ElementsAre(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(works_.Answers(29), IsEmpty());
  EXPECT_THAT(works_.Answers(1), IsEmpty());
  EXPECT_EQ(refusal.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refusal), "QUEUE_OVERLOADED");
  EXPECT_EQ(RetryDelayOf(refusal), absl::Seconds(1));
}

class LargeCallTest : public MicroBatchSchedulerTest {
 protected:
  void SubmitPatient(int32_t name, int64_t tokens) {
    EncodeWork work = works_.Make(name, tokens, WorkClass::kInteractive);
    work.patient = true;
    ASSERT_TRUE(Scheduler().Submit(std::move(work)).ok());
  }
  void SubmitSmall(int32_t name, int64_t tokens) {
    ASSERT_TRUE(Scheduler().Submit(works_.Make(name, tokens, WorkClass::kInteractive)).ok());
  }
};

// However many texts of large calls wait, and in whatever window: a small call's goes in the next batch.
TEST_F(LargeCallTest, ASmallCallGoesBeforeTheTextsThatCameFirst) {
  options_.look_ahead_works = 4;
  limits_.max_jobs = 2;
  for (int32_t name = 100; name < 140; ++name) SubmitPatient(name, 10);
  SubmitSmall(1, 10);
  EXPECT_THAT(Names(*Scheduler().TryNextBatch(limits_)), ElementsAre(1, 100));
  EXPECT_THAT(Names(*Scheduler().TryNextBatch(limits_)), ElementsAre(101, 102));
}

// What large calls keep waiting for seconds is no sign of an overload: small calls that are served at once
// are not dropped for it, and admission sees a queue without them.
TEST_F(LargeCallTest, TheirWaitsAreNotTheQueues) {
  options_.codel = {.target = absl::Milliseconds(100), .interval = absl::Milliseconds(500)};
  limits_ = {.max_tokens = 10, .max_jobs = 1};
  for (int32_t name = 100; name < 160; ++name) SubmitPatient(name, 10);
  for (int32_t name = 0; name < 30; ++name) {
    SubmitSmall(name, 10);
    clock_.Advance(absl::Milliseconds(50));
    const SchedulerSnapshot snapshot = Scheduler().Snapshot();
    EXPECT_FALSE(snapshot.overloaded);
    EXPECT_LE(snapshot.oldest_prompt_wait, absl::Milliseconds(100));
    EXPECT_EQ(snapshot.queued_tokens[0] - snapshot.patient_tokens, 10);
    if (std::optional<MicroBatch> batch = Scheduler().TryNextBatch(limits_)) Finish(*std::move(batch));
    if (std::optional<MicroBatch> batch = Scheduler().TryNextBatch(limits_)) Finish(*std::move(batch));
  }
  EXPECT_GE(Scheduler().Snapshot().oldest_wait[0], absl::Seconds(1));
  for (int32_t name = 0; name < 30; ++name) EXPECT_THAT(works_.Answers(name), ElementsAre(kOk)) << name;
}

// Small calls that would take every batch for themselves leave a large one its place by age.
TEST_F(LargeCallTest, AgeingKeepsALargeCallFromStarving) {
  options_.interactive_memory = absl::Seconds(2);
  limits_ = {.max_tokens = 100, .max_jobs = 4, .max_bulk_tokens = 30};
  const absl::Duration batch_time = absl::Milliseconds(50);
  for (int32_t name = 100; name < 103; ++name) SubmitPatient(name, 25);
  const absl::Duration submitted = clock_.MonotonicNow();
  std::vector<absl::Duration> served;
  for (int32_t name = 200; served.size() < 3 && name < 1200; name += 4) {
    for (int32_t i = 0; i < 4; ++i) SubmitSmall(name + i, 25);
    std::optional<MicroBatch> batch = Scheduler().TryNextBatch(limits_);
    if (Names(*batch)[0] < 200) served.push_back(clock_.MonotonicNow() - submitted);
    clock_.Advance(batch_time);
    Finish(*std::move(batch));
  }
  // The first once it is old, the others in every second batch after it.
  EXPECT_THAT(served, ElementsAre(options_.max_age, options_.max_age + 2 * batch_time,
                                  options_.max_age + 4 * batch_time));
}

// What a pass that lets small calls in does not get stays for the next.
TEST_F(LargeCallTest, OnlyPromptWorkLeavesTheRestWhereItIs) {
  MicroBatchLimits only_prompt = limits_;
  only_prompt.only_prompt = true;
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 10)).ok());
  SubmitPatient(2, 10);
  EXPECT_FALSE(Scheduler().TryNextBatch(only_prompt).has_value());
  SubmitSmall(3, 10);
  EXPECT_THAT(Names(*Scheduler().TryNextBatch(only_prompt)), ElementsAre(3));
  EXPECT_THAT(Scheduler().Snapshot().queued_works, ElementsAre(1, 1));
}

TEST_F(LargeCallTest, BulkWorkIsNotPatient) {
  EncodeWork work = works_.Make(1, 10);
  work.patient = true;
  ASSERT_TRUE(Scheduler().Submit(std::move(work)).ok());
  EXPECT_EQ(Scheduler().Snapshot().patient_tokens, 0);
  EXPECT_EQ(Scheduler().BulkCreditTokens(10), 0);
}

// Closing answers what waits, refuses what comes and sends every puller home.
TEST_F(MicroBatchSchedulerTest, CloseFailsWhatWaitsAndRefusesMore) {
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 10)).ok());
  ASSERT_TRUE(Scheduler().Submit(works_.Make(2, 10, WorkClass::kInteractive)).ok());
  Scheduler().Close();
  EXPECT_THAT(works_.Answers(1), ElementsAre(kUnavailable));
  EXPECT_THAT(works_.Answers(2), ElementsAre(kUnavailable));
  EXPECT_EQ(Scheduler().Submit(works_.Make(3, 10)).code(), kUnavailable);
  EXPECT_THAT(works_.Answers(3), IsEmpty());
  EXPECT_FALSE(Scheduler().NextBatch(limits_).has_value());
  EXPECT_FALSE(Scheduler().TryNextBatch(limits_).has_value());
  EXPECT_THAT(Scheduler().Snapshot().queued_works, ElementsAre(0, 0));
  Scheduler().Close();
  EXPECT_EQ(works_.answered(), 2u);
}

TEST_F(MicroBatchSchedulerTest, DestructionAnswersWhatWaits) {
  ASSERT_TRUE(Scheduler().Submit(works_.Make(1, 10)).ok());
  scheduler_.reset();
  EXPECT_THAT(works_.Answers(1), ElementsAre(kUnavailable));
}

TEST_F(MicroBatchSchedulerTest, CloseWakesEveryNextBatch) {
  MicroBatchScheduler& scheduler = Scheduler();
  std::vector<Thread> replicas;
  for (int i = 0; i < 3; ++i) {
    replicas.emplace_back("replica", [&] { EXPECT_FALSE(scheduler.NextBatch(limits_).has_value()); });
  }
  scheduler.Close();
}

// `done` runs outside the lock: it may come straight back to the scheduler.
TEST_F(MicroBatchSchedulerTest, DoneMayCallTheScheduler) {
  CancellationSource source;
  source.Cancel();
  EncodeWork work = works_.Make(1, 10);
  work.cancellation = source.token();
  work.done = [&](absl::StatusOr<std::vector<float>> vector) {
    EXPECT_EQ(vector.status().code(), kCancelled);
    EXPECT_TRUE(Scheduler().Submit(works_.Make(2, 10)).ok());
  };
  ASSERT_TRUE(Scheduler().Submit(std::move(work)).ok());
  EXPECT_FALSE(Scheduler().TryNextBatch(limits_).has_value());
  EXPECT_THAT(Names(*Scheduler().TryNextBatch(limits_)), ElementsAre(2));
}

TEST(MicroBatchSchedulerOptions, OutOfRangeIsNamed) {
  const SimulatedClock clock;
  const auto field_of = [&](const SchedulerOptions& options) {
    const absl::Status status = MicroBatchScheduler::Create(options, clock, nullptr).status();
    EXPECT_EQ(status.code(), kInvalidArgument);
    const auto violations = FieldViolationsOf(status);
    return violations.empty() ? "" : violations[0].field;
  };
  EXPECT_EQ(field_of({.max_queued_tokens = {1, 0}}), "max_queued_tokens[bulk]");
  EXPECT_EQ(field_of({.max_queued_works = {0, 1}}), "max_queued_works[interactive]");
  EXPECT_EQ(field_of({.weight = {0.0, 1.0}}), "weight[interactive]");
  EXPECT_EQ(field_of({.look_ahead_works = 0}), "look_ahead_works");
  EXPECT_EQ(field_of({.max_age = absl::ZeroDuration()}), "max_age");
  EXPECT_EQ(field_of({.interactive_memory = -absl::Seconds(1)}), "interactive_memory");
  EXPECT_EQ(field_of({.codel = {.target = absl::ZeroDuration()}}), "codel.target");
  EXPECT_EQ(field_of({.codel = {.target = absl::Seconds(2), .interval = absl::Seconds(1)}}),
            "codel.interval");
}

}  // namespace
}  // namespace sluice
