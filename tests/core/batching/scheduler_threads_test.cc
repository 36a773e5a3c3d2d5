// The scheduler under threads; for ThreadSanitizer above all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/notification.h"
#include "core/base/thread.h"
#include "core/batching/micro_batch_scheduler.h"
#include "tests/core/batching/test_works.h"

namespace sluice {
namespace {

constexpr int kSubmitters = 4;
constexpr int kReplicas = 3;
constexpr int32_t kWorksEach = 1500;

// Submitters, one of which cancels, and replicas at the same time; the scheduler is closed while work may
// still wait. Every accepted work is answered exactly once, no refused one ever.
TEST(SchedulerThreads, EveryAcceptedWorkIsAnsweredOnce) {
  TestWorks works;
  std::vector<std::vector<bool>> accepted(kSubmitters, std::vector<bool>(kWorksEach));
  auto scheduler =
      MicroBatchScheduler::Create({.max_queued_works = {200, 200}}, Clock::Real(), nullptr).value();
  std::vector<Thread> replicas;
  for (int r = 0; r < kReplicas; ++r) {
    replicas.emplace_back("replica", [&] {
      while (std::optional<MicroBatch> batch = scheduler->NextBatch({.max_tokens = 400, .max_jobs = 8})) {
        Finish(*std::move(batch));
      }
    });
  }
  // Submitters may be through before any replica runs, and the one that cancels may have filled the queue: of
  // theirs none need ever reach a replica.
  Notification began;
  EncodeWork first = works.Make(kSubmitters * kWorksEach, 1);
  first.done = [&began](const absl::StatusOr<std::vector<float>>&) { began.Notify(); };
  ASSERT_TRUE(scheduler->Submit(std::move(first)).ok());
  std::vector<Thread> submitters;
  for (int s = 0; s < kSubmitters; ++s) {
    submitters.emplace_back("submitter", [&, s] {
      for (int32_t i = 0; i < kWorksEach; ++i) {
        CancellationSource source;
        EncodeWork work = works.Make(s * kWorksEach + i, 1 + i % 90, static_cast<WorkClass>(i % 2));
        work.cancellation = source.token();
        accepted[s][i] = scheduler->Submit(std::move(work)).ok();
        if (s == 0) source.Cancel();
        if (i % 100 == 0) scheduler->Snapshot();
      }
    });
  }
  began.Wait();
  for (Thread& submitter : submitters) submitter.Join();
  scheduler->Close();
  for (Thread& replica : replicas) replica.Join();

  for (int s = 0; s < kSubmitters; ++s) {
    for (int32_t i = 0; i < kWorksEach; ++i) {
      EXPECT_EQ(works.Answers(s * kWorksEach + i).size(), accepted[s][i] ? 1u : 0u);
    }
  }
}

// No wake-up is lost: works that come one by one, each only when the one before it was answered, all get
// through.
TEST(SchedulerThreads, NoWakeUpIsLost) {
  auto scheduler = MicroBatchScheduler::Create({}, Clock::Real(), nullptr).value();
  TestWorks works;
  std::vector<Thread> replicas;
  for (int r = 0; r < kReplicas; ++r) {
    replicas.emplace_back("replica", [&] {
      while (std::optional<MicroBatch> batch = scheduler->NextBatch({})) Finish(*std::move(batch));
    });
  }
  for (int32_t name = 0; name < 2000; ++name) {
    Mutex mutex;
    CondVar changed;
    bool answered = false;
    EncodeWork work = works.Make(name, 3, static_cast<WorkClass>(name % 2));
    work.done = [&](absl::StatusOr<std::vector<float>> vector) {
      EXPECT_TRUE(vector.ok());
      MutexLock lock(mutex);
      answered = true;
      changed.NotifyAll();
    };
    ASSERT_TRUE(scheduler->Submit(std::move(work)).ok());
    MutexLock lock(mutex);
    while (!answered) changed.Wait(mutex);
  }
  scheduler->Close();
}

}  // namespace
}  // namespace sluice
