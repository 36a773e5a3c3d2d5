// Plan tasks whose postings are dear, beside small ones, turn by turn: one worker, a store and a loop that
// the test cranks, in virtual time.
#include <gtest/gtest.h>

#include "core/pipeline/pipeline_body.h"
#include "tests/fakes/in_memory_batch_store.h"
#include "tests/fakes/line_codec.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

// Each posting of it takes some tens of a posting's turn: far more than kStepsPerTurn, within the budget.
constexpr char kDearSpec[] = "rules_only 0 storage##[ab]*a[ab]{90}c";
constexpr char kSmallSpec[] = "rules_only 0 storage";

class HostilePlanTest : public testing::Test, public StoreListener {
 protected:
  HostilePlanTest() {
    store_.SetListener(this);
    body_ = std::make_unique<PipelineBody>(PipelineOptions{.phase_one_workers = 1},
                                           PipelineParts{.queue = &store_,
                                                         .upkeep = &store_,
                                                         .screen_codec = &codec_,
                                                         .embed_codec = &codec_,
                                                         .executor = &worker_,
                                                         .clock = &clock_});
    store_.OpenSession(absl::Seconds(15), [this](absl::StatusOr<SessionId> session) {
      body_->Start(*session, clock_.MonotonicNow());
    });
    Settle();
  }
  ~HostilePlanTest() override {
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

  std::string Create(const std::string& spec, const std::vector<std::string>& payloads) {
    NewBatch batch{.kind = JobKind::kScreen, .spec = spec, .as_of = clock_.WallNow()};
    std::vector<NewJob> jobs;
    for (const std::string& payload : payloads) jobs.push_back({absl::StrCat("job-", jobs.size()), payload});
    std::string id;
    store_.CreateBatch(batch, jobs, [&id](absl::StatusOr<Batch> made) { id = made->id; });
    Settle();
    return id;
  }
  std::string CreateDear(int postings) {
    return Create(kDearSpec, std::vector<std::string>(postings, std::string(100'000, 'b')));
  }
  BatchState StateOf(const std::string& id) {
    BatchState state{};
    store_.GetBatch({"", id}, [&state](absl::StatusOr<Batch> batch) { state = batch->state; });
    Settle();
    return state;
  }

  // The store's calls and the loop's turns, until only the worker has something to do.
  void Settle() {
    for (int idle = 0; idle < 3;) {  // a turn may leave something for the next
      body_->loop().Turn();
      idle = calls_.RunAll() > 0 ? 0 : idle + 1;
    }
  }
  // Runs one turn of the worker, which takes 10 ms. False when there is none.
  bool RunTurn() {
    const bool ran = worker_.RunOne();
    clock_.Advance(absl::Milliseconds(10));
    Settle();
    return ran;
  }

  SimulatedClock clock_;
  ManualExecutor calls_{1 << 20};
  ManualExecutor worker_;
  LineCodec codec_;
  InMemoryBatchStore store_{{.executor = &calls_}, clock_};
  std::unique_ptr<PipelineBody> body_;
};

// A batch of one posting takes a few turns of its own, and at most as many of others between them, however
// many dear postings wait.
TEST_F(HostilePlanTest, ABatchOfOnePostingDoesNotWaitForDearOnes) {
  for (int batch = 0; batch < 20; ++batch) CreateDear(200);
  for (int turn = 0; turn < 100; ++turn) ASSERT_TRUE(RunTurn());
  const std::string small = Create(kSmallSpec, {"storage engineer"});
  int turns = 0;
  while (StateOf(small) != BatchState::kSucceeded) {
    ASSERT_TRUE(RunTurn());
    ASSERT_LT(++turns, 30);
  }
  EXPECT_LE(turns, 16);
}

// One whose batch is cancelled is not asked for again: the worker is free after the turn under way, and the
// lease is over without waiting for the next heartbeat.
TEST_F(HostilePlanTest, ACancelledBatchLeavesTheWorker) {
  const std::string dear = CreateDear(200);
  for (int turn = 0; turn < 20; ++turn) ASSERT_TRUE(RunTurn());
  store_.CancelBatch({"", dear}, [](const absl::StatusOr<Batch>&) {});
  Settle();
  clock_.Advance(absl::Milliseconds(60));
  Settle();
  int turns = 0;
  while (RunTurn()) ASSERT_LT(++turns, 3);
  EXPECT_EQ(StateOf(dear), BatchState::kCancelled);
  bool drained = false;
  body_->Drain([&drained] { drained = true; });
  Settle();
  EXPECT_TRUE(drained);
}

// So is one whose server drains: the leases go back with the turn under way.
TEST_F(HostilePlanTest, ADrainEndsWithTheTurnsUnderWay) {
  for (int batch = 0; batch < 10; ++batch) CreateDear(200);
  for (int turn = 0; turn < 50; ++turn) ASSERT_TRUE(RunTurn());
  bool drained = false;
  body_->Drain([&drained] { drained = true; });
  Settle();
  int turns = 0;
  while (RunTurn()) ASSERT_LT(++turns, 20);
  EXPECT_TRUE(drained);
}

}  // namespace
}  // namespace sluice
