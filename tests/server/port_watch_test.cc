// When a server takes itself for lost.
#include "server/net/port_watch.h"

#include <gtest/gtest.h>

#include <atomic>

namespace sluice {
namespace {

constexpr PortWatch::Options kAtOnce = {.interval = absl::ZeroDuration()};

const absl::Status& NoAnswer() {
  static const auto& status = *new absl::Status(absl::DeadlineExceededError("no answer"));
  return status;
}

TEST(PortWatch, IsLostAfterFiveFailuresInARow) {
  std::atomic<int> asked = 0;
  std::atomic<int> told = 0;
  Notification lost;
  const PortWatch watch(
      kAtOnce,
      [&] {
        ++asked;
        return NoAnswer();
      },
      [&] {
        ++told;
        lost.Notify();
      });
  lost.Wait();
  EXPECT_TRUE(watch.lost());
  EXPECT_FALSE(watch.reachable());
  EXPECT_EQ(asked, 5);
  EXPECT_EQ(told, 1);
}

TEST(PortWatch, AnAnswerMakesUpForFailures) {
  std::atomic<int> asked = 0;
  Notification enough;
  const PortWatch watch(
      kAtOnce,
      [&]() -> absl::Status {
        const int question = ++asked;
        if (question == 100) enough.Notify();
        if (question >= 100) enough.Wait();
        return question % 5 == 0 ? absl::OkStatus() : NoAnswer();
      },
      [] { FAIL() << "four failures in a row are not enough"; });
  enough.Wait();
  EXPECT_FALSE(watch.lost());
}

// Two failures in a row turn readiness, and the next answer turns it back.
TEST(PortWatch, IsNotReachableBetweenTheSecondFailureAndTheNextAnswer) {
  std::atomic<int> asked = 0;
  std::atomic<bool> reachable_at[8] = {};
  Notification done;
  const PortWatch* seen = nullptr;
  Notification made;
  const PortWatch watch(
      kAtOnce,
      [&]() -> absl::Status {
        made.Wait();
        const int question = asked++;
        if (question < 8) reachable_at[question] = seen->reachable();
        if (question == 7) done.Notify();
        return question < 3 ? NoAnswer() : absl::OkStatus();
      },
      [] { FAIL() << "three failures are not enough"; });
  seen = &watch;
  made.Notify();
  done.Wait();
  const bool expected[] = {true, true, false, false, true, true, true, true};
  for (int question = 0; question < 8; ++question)
    EXPECT_EQ(reachable_at[question], expected[question]) << question;
}

TEST(PortWatch, OneThatWasStoppedTellsNobody) {
  Notification asked;
  Notification stopped;
  PortWatch watch(
      {.interval = absl::ZeroDuration(), .lost_after = 1},
      [&] {
        asked.Notify();
        stopped.Wait();
        return NoAnswer();
      },
      [] { FAIL() << "it was stopped before the answer"; });
  asked.Wait();
  watch.Stop();
  stopped.Notify();
}

}  // namespace
}  // namespace sluice
