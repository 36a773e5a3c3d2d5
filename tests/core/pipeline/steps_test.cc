// Jobs through stages and tasks, with a store and a loop that the test cranks, in virtual time. What the
// stages do is the test's: they hold their leases until it ends them.
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/pipeline/pipeline_body.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/stepped_kind.h"
#include "tests/fakes/in_memory_batch_store.h"
#include "tests/fakes/line_codec.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"
#include "tests/fakes/word_tokenizer.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class HoldingStage final : public JobStage {
 public:
  explicit HoldingStage(std::vector<LeasePtr>& held) : held_(held) {}
  void Start(LeasePtr lease) override { held_.push_back(std::move(lease)); }

 private:
  std::vector<LeasePtr>& held_;
};

class StepsTest : public testing::Test, public StoreListener {
 protected:
  StepsTest() : scheduler_(*MicroBatchScheduler::Create({}, clock_, nullptr)) {
    store_.SetListener(this);
    PipelineBody::MoreStages work;
    for (const Stage stage : {kSplit, kPart, kJoin}) {
      work[stage] = [this, stage](PipelineContext& context) {
        sink_ = &context.sink;
        return std::make_unique<HoldingStage>(held_[stage]);
      };
    }
    PipelineParts parts;
    parts.queue = &store_;
    parts.upkeep = &store_;
    parts.stages = &SteppedStages();
    parts.screen_codec = &codec_;
    parts.embed_codec = &codec_;
    parts.scheduler = scheduler_.get();
    parts.tokenizer = &tokenizer_;
    parts.executor = &worker_;
    parts.clock = &clock_;
    parts.metrics = &metrics_;
    PipelineOptions options;
    options.max_tokens = 16;
    options.credit_target_tokens = 64;
    body_ = std::make_unique<PipelineBody>(options, parts, work);
    store_.OpenSession(absl::Seconds(15), [this](absl::StatusOr<SessionId> session) {
      body_->Start(*session, clock_.MonotonicNow());
    });
    Settle();
  }
  ~StepsTest() override {
    store_.SetListener(nullptr);
    body_->loop().Close();
    worker_.RunAll();
    calls_.RunAll();
    body_.reset();
    calls_.RunAll();
  }

  void OnReady() override { body_->OnReady(); }
  void OnOutcomes(const std::string&) override {}
  void OnBatchEnded(const std::string& batch_id) override { body_->OnBatchEnded(batch_id); }

  void Settle() {
    for (int idle = 0; idle < 3;) {  // a turn may leave something for the next
      body_->loop().Turn();
      idle = worker_.RunAll() + calls_.RunAll() > 0 ? 0 : idle + 1;
    }
  }
  std::string Create(JobKind kind, int jobs, const std::string& payload = "text") {
    std::vector<NewJob> added;
    for (int i = 0; i < jobs; ++i) added.push_back({absl::StrCat("job-", i), payload});
    std::string id;
    store_.CreateBatch({.kind = kind, .spec = "error"}, added,
                       [&id](absl::StatusOr<Batch> made) { id = made->id; });
    Settle();
    return id;
  }
  Batch Get(const std::string& id) {
    Batch found;
    store_.GetBatch({"", id}, [&found](absl::StatusOr<Batch> batch) { found = *std::move(batch); });
    Settle();
    return found;
  }
  KindStats Stats(JobKind kind) {
    KindStats found;
    store_.Stats([&](absl::StatusOr<StoreStats> stats) { found = stats->kinds[kind]; });
    Settle();
    return found;
  }
  // Ends the oldest lease that the stage holds.
  void Finish(Stage stage, Step step) {
    const LeasePtr lease = held_[stage].front();
    held_[stage].erase(held_[stage].begin());
    (*sink_)->Finish(lease, std::move(step));
    Settle();
  }

  prometheus::Registry registry_;
  ServiceMetrics metrics_{registry_, SteppedStages()};
  SimulatedClock clock_;
  ManualExecutor calls_;
  ManualExecutor worker_;
  InMemoryBatchStore store_{{.stages = &SteppedStages(), .executor = &calls_}, clock_};
  LineCodec codec_;
  WordTokenizer tokenizer_;
  std::unique_ptr<MicroBatchScheduler> scheduler_;
  std::map<Stage, std::vector<LeasePtr>> held_;
  LeaseSink** sink_ = nullptr;
  std::unique_ptr<PipelineBody> body_;
};

TEST_F(StepsTest, AJobGoesThroughItsStagesToOneOutcome) {
  const std::string id = Create(kStepped, 1, "a book");
  ASSERT_THAT(held_[kSplit], SizeIs(1));
  EXPECT_EQ(held_[kSplit][0]->claim.payload, "a book");
  Finish(kSplit, SplitInto(2, "two ranges"));
  ASSERT_THAT(held_[kPart], SizeIs(2));
  Finish(kPart, NewOutcome{.result = "first"});
  EXPECT_THAT(held_[kJoin], SizeIs(0));
  Finish(kPart, NewOutcome{.result = "second"});
  ASSERT_THAT(held_[kJoin], SizeIs(1));
  EXPECT_EQ(held_[kJoin][0]->claim.artifact, "two ranges");
  EXPECT_EQ(Get(id).counts.done(), 0);
  Finish(kJoin, NewOutcome{.result = "joined"});
  EXPECT_EQ(Get(id).state, BatchState::kSucceeded);
}

// Its stage's row says three at once; no token of the scheduler's credit is asked for.
TEST_F(StepsTest, WhatWaitsOnANetworkHasABoundOfItsOwn) {
  Create(kStepped, 1);
  Finish(kSplit, SplitInto(5));
  EXPECT_THAT(held_[kPart], SizeIs(3));
  Finish(kPart, NewOutcome{});
  EXPECT_THAT(held_[kPart], SizeIs(3));
  Finish(kPart, NewOutcome{});
  Finish(kPart, NewOutcome{});
  EXPECT_THAT(held_[kPart], SizeIs(2)) << "all five were handed out";
}

TEST_F(StepsTest, OnlyWhatCostsTokensWaitsForCredit) {
  Create(JobKind::kEmbed, 64, "a b c d e f g h");  // nobody encodes: their tokens hold all credit
  ASSERT_LE(scheduler_->BulkCreditTokens(64), 0);
  const int64_t claimed = Stats(JobKind::kEmbed).leased_jobs;
  ASSERT_LT(claimed, 64);
  Create(kStepped, 1);
  ASSERT_THAT(held_[kSplit], SizeIs(1));
  Finish(kSplit, SplitInto(2));
  EXPECT_THAT(held_[kPart], SizeIs(2));
  EXPECT_EQ(Stats(JobKind::kEmbed).leased_jobs, claimed);
}

// More tasks than the batch has room for, too much made: what the store says is the job's outcome, at once.
TEST_F(StepsTest, AStepThatTheStoreFindsInvalidFailsItsJobWithTheReason) {
  const std::string id = Create(kStepped, 2);
  Finish(kSplit, Advance{.next = kJoin, .artifact = std::string(65537, 'x')});
  Finish(kSplit, Advance{.next = kJoin, .artifact = "made"});
  ASSERT_THAT(held_[kJoin], SizeIs(1));
  EXPECT_EQ(Get(id).counts.failed, 1);
  std::vector<Outcome> outcomes;
  store_.ReadOutcomes({"", id}, 0, 10, [&](absl::StatusOr<std::vector<Outcome>> read) { outcomes = *read; });
  Settle();
  ASSERT_THAT(outcomes, SizeIs(1));
  EXPECT_EQ(outcomes[0].error_code, absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(outcomes[0].error_message, HasSubstr("artifact: has 65537 bytes, limit 65536"));
  EXPECT_EQ(outcomes[0].attempt, 1);
}

// A request that hangs for longer than its stage allows holds no place of three for ever.
TEST_F(StepsTest, ALeaseThatTheStoreTookBackIsStoppedAndItsPlaceIsFree) {
  Create(kStepped, 1);
  Finish(kSplit, SplitInto(4));
  ASSERT_THAT(held_[kPart], SizeIs(3));
  const std::vector<LeasePtr> hanging = held_[kPart];
  held_[kPart].clear();
  const auto all_stopped = [&] {
    return std::all_of(hanging.begin(), hanging.end(),
                       [](const LeasePtr& lease) { return lease->stop.load() == StopReason::kSessionLost; });
  };
  const absl::Duration longest = SteppedStages().At(kPart).longest_attempt;
  for (absl::Duration time; time <= longest + absl::Seconds(30) && !all_stopped(); time += absl::Seconds(1)) {
    clock_.Advance(absl::Seconds(1));
    Settle();
    if (time < longest) {
      ASSERT_EQ(hanging[0]->stop.load(), StopReason::kNone);
    }
  }
  ASSERT_TRUE(all_stopped());
  for (const LeasePtr& lease : hanging) (*sink_)->Stop(lease);
  Settle();
  EXPECT_THAT(held_[kPart], SizeIs(3));
}

TEST_F(StepsTest, ADrainGivesHeldTasksBack) {
  Create(kStepped, 1);
  Finish(kSplit, SplitInto(2));
  bool drained = false;
  body_->Drain([&drained] { drained = true; });
  Settle();
  EXPECT_FALSE(drained);
  for (const LeasePtr& lease : held_[kPart]) {
    EXPECT_EQ(lease->stop.load(), StopReason::kDraining);
    (*sink_)->Stop(lease);
  }
  Settle();
  EXPECT_TRUE(drained);
  EXPECT_EQ(Stats(kStepped).ready_jobs, 1);
}

TEST_F(StepsTest, TasksOfACancelledBatchAreStopped) {
  const std::string id = Create(kStepped, 1);
  Finish(kSplit, SplitInto(2));
  store_.CancelBatch({"", id}, [](const absl::StatusOr<Batch>&) {});
  Settle();
  clock_.Advance(absl::Milliseconds(100));
  Settle();
  std::vector<LeasePtr> held = std::move(held_[kPart]);
  ASSERT_THAT(held, SizeIs(2));
  const double fenced = metrics_.pipeline().fenced_results_total->Value();
  for (const LeasePtr& lease : held) {
    EXPECT_EQ(lease->stop.load(), StopReason::kBatchCancelled);
    (*sink_)->Stop(lease);
  }
  Settle();
  EXPECT_EQ(Get(id).counts.cancelled, 1);
  EXPECT_EQ(metrics_.pipeline().fenced_results_total->Value(), fenced) << "an alert watches it";
}

}  // namespace
}  // namespace sluice
