// The load generator: its plan, its tally, and its loop in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_split.h"
#include "client/cpp/command/load_calls.h"
#include "client/cpp/command/load_plan.h"
#include "client/cpp/command/load_run.h"
#include "client/cpp/command/load_tally.h"
#include "core/base/error_details.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST(ArrivalTimes, FixedOnesAreEvenlySpaced) {
  ArrivalTimes arrivals(Arrivals::kFixed, 50, 1);
  for (int i = 1; i <= 10; ++i) EXPECT_EQ(arrivals.Next(), absl::Seconds(i / 50.0));
}

// Poisson: the mean gap is 1/rate and so is the gaps' deviation; the same seed gives the same times.
TEST(ArrivalTimes, PoissonOnesHaveTheRateAndAreRepeatable) {
  ArrivalTimes arrivals(Arrivals::kPoisson, 100, 5);
  ArrivalTimes again(Arrivals::kPoisson, 100, 5);
  double sum_of_squares = 0;
  absl::Duration last;
  for (int i = 0; i < 10'000; ++i) {
    const absl::Duration due = arrivals.Next();
    ASSERT_EQ(due, again.Next());
    const double gap = absl::ToDoubleSeconds(due - last);
    ASSERT_GT(gap, 0);
    sum_of_squares += gap * gap;
    last = due;
  }
  EXPECT_NEAR(absl::ToDoubleSeconds(last), 100, 3);
  EXPECT_NEAR(std::sqrt(sum_of_squares / 10'000 - 0.0001), 0.01, 0.001);
}

TEST(TextMix, MakesTextsOfTheGivenLengthsInTheGivenShares) {
  const auto lengths = ParseTextLengths("4:3,20:1");
  ASSERT_TRUE(lengths.ok()) << lengths.status();
  TextMix mix(*lengths, 3);
  std::map<size_t, int> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::vector<std::string> words = absl::StrSplit(mix.Next(), ' ');
    ++seen[words.size()];
  }
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_NEAR(seen[4], 750, 50);
  EXPECT_EQ(seen[4] + seen[20], 1000);
}

TEST(LoadPlan, WrongMixesAndSweepsAreNamed) {
  for (const char* wrong : {"", "0:1", "5:0", "5:-1", "5:x", "x", "5:1,,6:1", "5000:1", "5:inf"}) {
    EXPECT_EQ(ParseTextLengths(wrong).status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
  for (const char* wrong : {"", "0", "-1", "1,", "nan", "1001"}) {
    EXPECT_EQ(ParseMultiples(wrong).status().code(), absl::StatusCode::kInvalidArgument) << wrong;
  }
  EXPECT_EQ(ParseMultiples("1,2,5").value(), (std::vector<double>{1, 2, 5}));
}

absl::Status Refused() {
  return WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL");
}

TEST(LoadTally, TellsAnswersRefusalsFailuresAndWhatWasNotSentApart) {
  LoadTally tally(2);
  tally.Ended(absl::Seconds(0.5), absl::Milliseconds(10), absl::OkStatus());
  tally.Ended(absl::Seconds(1.5), absl::Milliseconds(20), absl::OkStatus());
  tally.Ended(absl::Seconds(1.6), absl::Milliseconds(1), Refused());
  tally.Ended(absl::Seconds(1.7), absl::Seconds(2), absl::DeadlineExceededError("late"));
  tally.NotSent(absl::Seconds(1.8));
  tally.Close(absl::Seconds(2));
  EXPECT_EQ(tally.due(), 5);
  EXPECT_EQ(tally.OfferedPerSecond(), 2.5);
  EXPECT_EQ(tally.GoodputPerSecond(), 1);
  EXPECT_EQ(tally.TextsPerSecond(), 2);
  EXPECT_EQ(tally.answered().max(), absl::Milliseconds(20));
  EXPECT_EQ(tally.refused().max(), absl::Milliseconds(1));
  EXPECT_EQ(tally.failed().max(), absl::Seconds(2));
  EXPECT_EQ(tally.not_sent(), 1);
  EXPECT_THAT(tally.reasons(), UnorderedElementsAre(Pair("QUEUE_FULL", 1), Pair("DEADLINE_EXCEEDED", 1)));
  ASSERT_THAT(tally.seconds(), SizeIs(2));
  EXPECT_EQ(tally.seconds()[1].answered, 1);
  EXPECT_EQ(tally.seconds()[1].refused, 1);
  EXPECT_EQ(tally.seconds()[1].other, 2);

  const auto json = nlohmann::json::parse(LoadStepJson({"1x", 2.5, tally}));
  EXPECT_EQ(json["goodput_per_second"], 1.0);
  EXPECT_EQ(json["answered"]["max_ms"], 20.0);
  EXPECT_EQ(json["reasons"]["QUEUE_FULL"], 1);
  EXPECT_THAT(LoadStepText({"1x", 2.5, tally}), HasSubstr("refused 1"));
}

// Draining says UNAVAILABLE with a reason, a server that is gone says it without: only the first refuses.
TEST(LoadTally, ALostConnectionIsNoRefusal) {
  LoadTally tally;
  tally.Ended(absl::ZeroDuration(), absl::ZeroDuration(),
              WithReason(absl::UnavailableError("x"), "DRAINING"));
  tally.Ended(absl::ZeroDuration(), absl::ZeroDuration(), absl::UnavailableError("connection refused"));
  EXPECT_EQ(tally.refused().count(), 1);
  EXPECT_EQ(tally.failed().count(), 1);
}

// A server that takes one call after the other, each for a fixed time of a simulated clock.
class SlowServer final : public LoadCalls {
 public:
  explicit SlowServer(absl::Duration service) : service_(service) {}

  void Start(v1::EmbedRequest request, absl::Duration timeout, Done done) override {
    texts_ += request.texts_size();
    Take(timeout, std::move(done));
  }
  void StartBatch(v1::CreateBatchRequest request, absl::Duration timeout, Done done) override {
    for (const v1::Job& job : request.jobs()) EXPECT_FALSE(job.posting().description().empty());
    jobs_ += request.jobs_size();
    Take(timeout, std::move(done));
  }
  void Take(absl::Duration timeout, Done done) {
    const absl::Duration deadline = clock_.MonotonicNow() + timeout;
    busy_until_ = std::max(clock_.MonotonicNow(), busy_until_) + service_;
    const bool late = busy_until_ > deadline;
    answers_.emplace(std::min(busy_until_, deadline), [late, done = std::move(done)]() mutable {
      std::move(done)(late ? absl::DeadlineExceededError("late") : absl::OkStatus());
    });
  }
  int in_flight() const override { return static_cast<int>(answers_.size()); }
  void WaitForFewerThan(int calls) override {
    while (in_flight() >= calls) AnswerOne();
  }

  bool Wait(absl::Duration delay) {
    const absl::Duration until = clock_.MonotonicNow() + delay;
    while (!answers_.empty() && answers_.begin()->first <= until) AnswerOne();
    clock_.Advance(until - clock_.MonotonicNow());
    return --waits_left_ > 0;
  }

  LoadParts Parts() { return {this, &clock_, wait_}; }
  void EndAfter(int waits) { waits_left_ = waits; }
  void StandStillFor(absl::Duration time) { clock_.Advance(time); }
  int texts() const { return texts_; }
  int jobs() const { return jobs_; }

 private:
  void AnswerOne() {
    auto next = answers_.extract(answers_.begin());
    if (next.key() > clock_.MonotonicNow()) clock_.Advance(next.key() - clock_.MonotonicNow());
    std::move(next.mapped())();
  }

  const absl::Duration service_;
  SimulatedClock clock_;
  absl::Duration busy_until_;
  std::multimap<absl::Duration, absl::AnyInvocable<void() &&>> answers_;
  int texts_ = 0;
  int jobs_ = 0;
  int waits_left_ = 1 << 30;
  const std::function<bool(absl::Duration)> wait_ = [this](absl::Duration delay) { return Wait(delay); };
};

LoadShape FixedShape(absl::Duration duration) {
  LoadShape shape;
  shape.arrivals = Arrivals::kFixed;
  shape.duration = duration;
  shape.deadline = absl::Seconds(10);
  return shape;
}

// The server takes 30 ms a call and is asked every 10 ms. A closed loop would report 30 ms for ever and hide
// what callers wait; an open one shows the queue, which grows by 20 ms a call.
TEST(LoadRun, LatencyCountsFromWhenTheCallWasDue) {
  SlowServer server(absl::Milliseconds(30));
  const LoadTally tally = RunOpenLoop(FixedShape(absl::Milliseconds(105)), 100, server.Parts());
  EXPECT_EQ(tally.answered().count(), 10);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(tally.answered().Quantile(0.1)), 30, 1);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(tally.answered().max()), 30 + 9 * 20, 1);
}

// A generator that stood still for a second sends what was due meanwhile at once, and says how late it is.
TEST(LoadRun, AGeneratorThatFellBehindShowsInTheLatency) {
  SlowServer server(absl::Milliseconds(1));
  bool stood = false;
  const std::function<bool(absl::Duration)> wait = [&](absl::Duration delay) {
    if (!std::exchange(stood, true)) server.StandStillFor(absl::Seconds(1));
    return server.Wait(delay);
  };
  LoadParts parts = server.Parts();
  const LoadTally tally = RunOpenLoop(FixedShape(absl::Seconds(2.05)), 10, {parts.calls, parts.clock, wait});
  EXPECT_EQ(tally.due(), 20);
  EXPECT_EQ(tally.answered().count(), 20);
  EXPECT_NEAR(absl::ToDoubleSeconds(tally.answered().max()), 1, 0.02);
}

TEST(LoadRun, CallsOverTheirDeadlineFailAndAreNoGoodput) {
  SlowServer server(absl::Milliseconds(30));
  LoadShape shape = FixedShape(absl::Milliseconds(105));
  shape.deadline = absl::Milliseconds(75);
  const LoadTally tally = RunOpenLoop(shape, 100, server.Parts());
  EXPECT_EQ(tally.answered().count(), 3);  // after 30, 50 and 70 ms
  EXPECT_THAT(tally.reasons(), UnorderedElementsAre(Pair("DEADLINE_EXCEEDED", 7)));
}

TEST(LoadRun, CallsBeyondTheBoundInFlightAreCountedAndNotSent) {
  SlowServer server(absl::Seconds(1));
  LoadShape shape = FixedShape(absl::Milliseconds(105));
  shape.max_in_flight = 4;
  shape.texts_per_call = 3;
  const LoadTally tally = RunOpenLoop(shape, 100, server.Parts());
  EXPECT_EQ(tally.answered().count(), 4);
  EXPECT_EQ(tally.not_sent(), 6);
  EXPECT_EQ(tally.due(), 10);
  EXPECT_EQ(server.texts(), 12);
}

// Batches are timed by the same clockwork.
TEST(LoadRun, BatchesOfSoManyJobsAreSentInstead) {
  SlowServer server(absl::Milliseconds(30));
  LoadShape shape = FixedShape(absl::Milliseconds(105));
  shape.target = LoadTarget::kBatches;
  shape.texts_per_call = 7;
  const LoadTally tally = RunOpenLoop(shape, 100, server.Parts());
  EXPECT_EQ(tally.answered().count(), 10);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(tally.answered().max()), 30 + 9 * 20, 1);
  EXPECT_EQ(server.jobs(), 70);
  EXPECT_EQ(server.texts(), 0);
}

TEST(LoadRun, AnInterruptionEndsTheStepAfterTheCallsInFlight) {
  SlowServer server(absl::Milliseconds(30));
  server.EndAfter(3);
  const LoadTally tally = RunOpenLoop(FixedShape(absl::Seconds(100)), 100, server.Parts());
  EXPECT_EQ(tally.answered().count(), 2);
  EXPECT_EQ(tally.length(), absl::Milliseconds(30));
}

// Eight calls running at 10 ms each, one after the other: 100 a second.
TEST(LoadRun, AClosedLoopFindsTheCapacity) {
  SlowServer server(absl::Milliseconds(10));
  const LoadTally tally = RunClosedLoop(FixedShape(absl::Seconds(1)), 8, server.Parts());
  EXPECT_NEAR(tally.GoodputPerSecond(), 100, 1);
  EXPECT_EQ(tally.not_sent(), 0);
}

}  // namespace
}  // namespace sluice
