// What callers of Embed see, in virtual time: the real door, embedder and scheduler before a device that
// takes its time by the token. Nothing here measures a processor: it shows what the policy makes of one.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <random>
#include <string>
#include <utility>

#include "core/admission/call_load.h"
#include "core/batching/batch_policy.h"
#include "core/inference/embedder.h"
#include "core/inference/row_ladder.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"
#include "tests/fakes/word_tokenizer.h"

namespace sluice {
namespace {

constexpr double kTokensPerSecond = 3000;  // of one replica
constexpr int kLayers = 6;
constexpr int kDimensions = 1;
constexpr MicroBatchLimits kReplicaLimits = {
    .max_tokens = 2048, .max_jobs = 6, .max_bulk_tokens = static_cast<int64_t>(kTokensPerSecond / 25)};

// Runs passes layer by layer, as core/inference/replica.cc and the encoder do.
class SimulatedReplica {
 public:
  SimulatedReplica(MicroBatchScheduler& scheduler, const Clock& clock)
      : scheduler_(scheduler), clock_(clock) {}

  absl::Duration next() const { return next_; }  // when something happens here

  void BeginIfIdle() {
    if (passes_.empty()) Begin();
  }

  void EndLayer() {
    Pass& pass = passes_.back();
    if (--pass.layers_left == 0) {
      MicroBatch batch = std::move(pass.batch);
      passes_.pop_back();
      for (EncodeWork& work : batch.works) std::move(work.done)(std::vector<float>(kDimensions));
      if (passes_.empty()) return Begin();
    } else if (pass.gives_way) {
      MicroBatchLimits limits = kReplicaLimits;
      limits.only_prompt = true;
      if (std::optional<MicroBatch> batch = scheduler_.TryNextBatch(limits)) Push(*std::move(batch));
    }
    next_ = clock_.MonotonicNow() + passes_.back().layer;
  }

 private:
  struct Pass {
    MicroBatch batch;
    absl::Duration layer;
    bool gives_way = false;
    int layers_left = kLayers;
  };

  void Begin() {
    next_ = absl::InfiniteDuration();
    std::optional<MicroBatch> batch = scheduler_.TryNextBatch(kReplicaLimits);
    if (!batch.has_value()) return;
    Push(*std::move(batch));
    next_ = clock_.MonotonicNow() + passes_.back().layer;
  }

  void Push(MicroBatch batch) {
    const double seconds = static_cast<double>(RowsOnLadder(batch.tokens)) / kTokensPerSecond;
    const bool gives_way = std::none_of(batch.works.begin(), batch.works.end(),
                                        [](const EncodeWork& work) { return LaneOf(work) == Lane::kPrompt; });
    passes_.push_back({std::move(batch), absl::Seconds(seconds / kLayers), gives_way});
  }

  MicroBatchScheduler& scheduler_;
  const Clock& clock_;
  std::vector<Pass> passes_;
  absl::Duration next_ = absl::InfiniteDuration();
};

struct Tally {
  int due = 0;
  int refused_at_the_door = 0;
  int dropped = 0;  // after they were let in
  std::vector<absl::Duration> latencies;

  absl::Duration Percentile(double share) {
    if (latencies.empty()) return absl::InfiniteDuration();
    std::sort(latencies.begin(), latencies.end());
    return latencies[static_cast<size_t>(share * static_cast<double>(latencies.size() - 1))];
  }
};

class DoorSimulation {
 public:
  explicit DoorSimulation(int replicas = 1)
      : scheduler_(MicroBatchScheduler::Create(options_, clock_, nullptr).value()),
        embedder_(Embedder::Create({.dimensions = kDimensions,
                                    .max_tokens = 256,
                                    .max_waiting_texts = 2 * kReplicaLimits.max_jobs * replicas},
                                   tokenizer_, *scheduler_, executor_)) {
    for (int i = 0; i < replicas; ++i) replicas_.emplace_back(*scheduler_, clock_);
  }
  ~DoorSimulation() { scheduler_->Close(); }

  // Small calls of mixed lengths with deadlines of 2 s, as Poisson's process brings them.
  Tally Run(double calls_per_second, absl::Duration time) {
    Tally tally;
    std::exponential_distribution<double> gap(calls_per_second);
    const absl::Duration end = clock_.MonotonicNow() + time;
    for (absl::Duration due = clock_.MonotonicNow() + absl::Seconds(gap(random_)); due < end;
         due += absl::Seconds(gap(random_))) {
      RunUntil(due);
      const int die = static_cast<int>(random_() % 100);
      Call(std::vector<std::string>(1, Text(die < 70 ? 16 : die < 95 ? 64 : 200)), absl::Seconds(2), tally);
    }
    RunUntil(end + absl::Seconds(10));
    return tally;
  }

  void Call(std::vector<std::string> texts, absl::Duration time_left, Tally& tally) {
    ++tally.due;
    int64_t bytes = 0;
    for (const std::string& text : texts) bytes += std::ssize(text);
    const double rate = kTokensPerSecond * static_cast<double>(replicas_.size());
    const CallRequest request = {
        .bytes = bytes,
        .tokens = bytes / 2,  // of words of one letter
        .time_left = time_left,
        .patient = std::ssize(texts) > 2 * kReplicaLimits.max_jobs * std::ssize(replicas_)};
    if (!AdmitCall({}, {}, LoadOf(scheduler_->Snapshot(), options_, rate), request).ok()) {
      ++tally.refused_at_the_door;
      return;
    }
    const absl::Duration began = clock_.MonotonicNow();
    embedder_->Embed({.texts = std::move(texts), .deadline = began + time_left, .came = began},
                     [this, began, &tally](const absl::StatusOr<EmbedAnswer>& answer) {
                       if (!answer.ok()) {
                         ++tally.dropped;
                       } else {
                         tally.latencies.push_back(clock_.MonotonicNow() - began);
                       }
                     });
    executor_.RunAll();
    for (SimulatedReplica& replica : replicas_) replica.BeginIfIdle();
  }

  // From now on bulk texts of 8 to 256 tokens wait, as many as credit allows.
  void BringBulkWork() {
    bulk_ = true;
    Refill();
  }
  int64_t bulk_tokens() const { return bulk_tokens_; }

  static std::string Text(int words) {
    std::string text;
    for (int i = 0; i < words; ++i) text += "a ";
    return text;
  }

 private:
  void RunUntil(absl::Duration time) {
    while (true) {
      const auto first = std::min_element(replicas_.begin(), replicas_.end(),
                                          [](const auto& a, const auto& b) { return a.next() < b.next(); });
      if (first->next() > time) break;
      clock_.Advance(first->next() - clock_.MonotonicNow());
      first->EndLayer();
      Refill();
      for (SimulatedReplica& replica : replicas_) replica.BeginIfIdle();
    }
    clock_.Advance(time - clock_.MonotonicNow());
  }

  void Refill() {
    while (bulk_ && scheduler_->BulkCreditTokens(2 * kReplicaLimits.max_tokens * std::ssize(replicas_)) > 0) {
      EncodeWork work;
      work.tokens.resize(8 + random_() % 249);
      work.done = [this, tokens = std::ssize(work.tokens)](const absl::StatusOr<std::vector<float>>& vector) {
        bulk_tokens_ += vector.ok() ? tokens : 0;
      };
      ASSERT_TRUE(scheduler_->Submit(std::move(work)).ok());
    }
    for (SimulatedReplica& replica : replicas_) replica.BeginIfIdle();
  }

  const SchedulerOptions options_;
  std::minstd_rand random_{17};
  SimulatedClock clock_;
  WordTokenizer tokenizer_;
  ManualExecutor executor_;
  bool bulk_ = false;
  int64_t bulk_tokens_ = 0;
  std::unique_ptr<MicroBatchScheduler> scheduler_;
  std::unique_ptr<Embedder> embedder_;
  std::list<SimulatedReplica> replicas_;
};

constexpr double kCapacity = 60;  // calls a second, about

// More calls than the device manages: what it manages is answered in time all the same, and the others are
// told at the door, not after they waited.
TEST(DoorSimulation, GoodputHoldsUnderOverload) {
  std::map<int, Tally> tallies;
  for (const int times : {1, 2, 5})
    tallies[times] = DoorSimulation().Run(times * kCapacity, absl::Seconds(30));
  const size_t peak =
      std::max({tallies[1].latencies.size(), tallies[2].latencies.size(), tallies[5].latencies.size()});
  EXPECT_GE(static_cast<double>(tallies[5].latencies.size()), 0.9 * static_cast<double>(peak));
  EXPECT_LE(tallies[5].dropped, tallies[5].due / 100);
  EXPECT_LE(tallies[5].Percentile(0.99), absl::Seconds(1));
}

// A tenth of the capacity beside bulk work without end: nobody is refused, and the 99th percentile is at most
// twice that of an idle server, with one replica and with several.
TEST(DoorSimulation, BulkWorkDoesNotHoldUpSmallCalls) {
  for (const int replicas : {1, 2}) {
    const double rate = 0.1 * kCapacity * replicas;
    Tally alone = DoorSimulation(replicas).Run(rate, absl::Minutes(1));
    DoorSimulation shared(replicas);
    shared.BringBulkWork();
    Tally beside = shared.Run(rate, absl::Minutes(1));
    EXPECT_EQ(beside.latencies.size(), static_cast<size_t>(beside.due));
    EXPECT_LE(beside.Percentile(0.99), 2 * alone.Percentile(0.99)) << replicas;
    EXPECT_GE(shared.bulk_tokens(), 0.6 * kTokensPerSecond * replicas * 70) << "bulk work starved";
  }
}

// A large call, whose deadline is far, does not get small calls refused, nor does it starve.
TEST(DoorSimulation, ALargeCallDoesNotHoldUpSmallCalls) {
  Tally alone = DoorSimulation().Run(0.3 * kCapacity, absl::Minutes(1));
  DoorSimulation shared;
  Tally large;
  for (int i = 0; i < 3; ++i)
    shared.Call(std::vector<std::string>(300, DoorSimulation::Text(100)), absl::Minutes(5), large);
  Tally small = shared.Run(0.3 * kCapacity, absl::Minutes(1));
  EXPECT_EQ(small.refused_at_the_door, 0);
  EXPECT_EQ(small.dropped, 0);
  EXPECT_LE(small.Percentile(0.99), 2 * alone.Percentile(0.99));
  EXPECT_EQ(large.latencies.size(), 3u);
}

// Nor under an overload of small calls, with bulk work besides: each of its texts is young, but the call is
// not. It costs the small calls little. By the age of its texts it took 43 s here, and beside bulk work it
// ended with the overload.
TEST(DoorSimulation, ALargeCallGoesOnUnderAnOverloadOfSmallCalls) {
  for (const bool bulk : {false, true}) {
    const auto run = [bulk](Tally* large) {
      DoorSimulation door;
      if (bulk) door.BringBulkWork();
      if (large != nullptr)
        door.Call(std::vector<std::string>(200, DoorSimulation::Text(32)), absl::Minutes(10), *large);
      return door.Run(5 * kCapacity, absl::Minutes(1));
    };
    Tally alone = run(nullptr);
    Tally large;
    Tally beside = run(&large);
    EXPECT_LE(large.Percentile(1), absl::Seconds(20)) << bulk;
    EXPECT_GE(static_cast<double>(beside.latencies.size()), 0.9 * static_cast<double>(alone.latencies.size()))
        << bulk;
    EXPECT_LE(beside.Percentile(0.99), absl::Seconds(1)) << bulk;
  }
}

}  // namespace
}  // namespace sluice
