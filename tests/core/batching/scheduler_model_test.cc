// The scheduler against a model so simple that it is plainly right: a list of what should be waiting.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "core/batching/micro_batch_scheduler.h"
#include "tests/core/batching/test_works.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

struct ModelWork {
  int32_t name;
  int64_t tokens;
  absl::Duration deadline;
  CancellationSource cancellation;
};

class SchedulerModelTest : public testing::TestWithParam<uint32_t> {
 protected:
  SchedulerModelTest() : random_(GetParam()) {
    options_.look_ahead_works = 1 + static_cast<int>(Below(30));
    options_.max_age = absl::Milliseconds(200 + Below(3000));
    options_.interactive_memory = absl::Milliseconds(Below(2) * 500);
    options_.codel = {.target = absl::InfiniteDuration(), .interval = absl::InfiniteDuration()};
    options_.max_queued_works[0] = 20;
    options_.max_queued_tokens[1] = 1500;
    scheduler_ = MicroBatchScheduler::Create(options_, clock_, nullptr).value();
  }

  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }

  void SubmitSome() {
    const int c = static_cast<int>(Below(2));
    std::vector<EncodeWork> works;
    std::vector<ModelWork> expected;
    for (int64_t n = 1 + Below(4); n > 0; --n) {
      const ModelWork model = {.name = next_name_++,
                               .tokens = 1 + Below(150),
                               .deadline = Below(3) == 0
                                               ? clock_.MonotonicNow() + absl::Milliseconds(Below(900))
                                               : absl::InfiniteDuration()};
      EncodeWork work = works_.Make(model.name, model.tokens, static_cast<WorkClass>(c));
      work.deadline = model.deadline;
      work.cancellation = model.cancellation.token();
      works.push_back(std::move(work));
      expected.push_back(model);
    }
    int64_t tokens = 0;
    for (const ModelWork& work : waiting_[c]) tokens += work.tokens;
    for (const ModelWork& work : expected) tokens += work.tokens;
    const bool fits =
        static_cast<int>(waiting_[c].size() + expected.size()) <= options_.max_queued_works[c] &&
        tokens <= options_.max_queued_tokens[c];
    ASSERT_EQ(scheduler_->SubmitAll(std::move(works)).ok(), fits);
    if (fits) waiting_[c].insert(waiting_[c].end(), expected.begin(), expected.end());
  }

  void CancelOne() {
    std::vector<ModelWork>& queue = waiting_[Below(2)];
    if (!queue.empty())
      queue[static_cast<size_t>(Below(static_cast<int64_t>(queue.size())))].cancellation.Cancel();
  }

  bool IsWanted(const ModelWork& work) const {
    return !work.cancellation.cancelled() && work.deadline > clock_.MonotonicNow();
  }

  // Works that the scheduler has answered leave the model; they must have been unwanted and be told why.
  void RemoveDropped() {
    for (std::vector<ModelWork>& queue : waiting_) {
      std::erase_if(queue, [&](const ModelWork& work) {
        const std::vector<absl::StatusCode> answers = works_.Answers(work.name);
        if (answers.empty()) return false;
        EXPECT_FALSE(IsWanted(work));
        EXPECT_THAT(answers, testing::ElementsAre(work.cancellation.cancelled()
                                                      ? absl::StatusCode::kCancelled
                                                      : absl::StatusCode::kDeadlineExceeded));
        ++dropped_;
        return true;
      });
    }
  }

  void PullBatch() {
    const MicroBatchLimits limits = {.max_tokens = 50 + Below(300),
                                     .max_jobs = 1 + static_cast<int>(Below(10))};
    std::optional<MicroBatch> batch = scheduler_->TryNextBatch(limits);
    RemoveDropped();
    if (!batch.has_value()) {
      EXPECT_TRUE(waiting_[0].empty() && waiting_[1].empty());
      return;
    }
    int64_t tokens = 0;
    for (const EncodeWork& work : batch->works) {
      tokens += static_cast<int64_t>(work.tokens.size());
      Take(static_cast<int>(work.work_class), work.tokens[0]);
    }
    EXPECT_EQ(batch->tokens, tokens);
    EXPECT_LE(static_cast<int>(batch->works.size()), limits.max_jobs);
    EXPECT_TRUE(tokens <= limits.max_tokens || batch->works.size() == 1);
    Finish(*std::move(batch));
  }

  // Within its class a work is overtaken only from inside the look-ahead.
  void Take(int c, int32_t name) {
    std::vector<ModelWork>& queue = waiting_[c];
    const auto found =
        std::find_if(queue.begin(), queue.end(), [&](const ModelWork& w) { return w.name == name; });
    ASSERT_NE(found, queue.end()) << "work " << name << " was not waiting";
    EXPECT_TRUE(IsWanted(*found)) << "work " << name << " should have been dropped";
    EXPECT_LT(std::count_if(queue.begin(), found, [&](const ModelWork& w) { return IsWanted(w); }),
              options_.look_ahead_works);
    queue.erase(found);
    ++encoded_;
    encoded_names_.push_back(name);
  }

  std::minstd_rand random_;
  SimulatedClock clock_;
  TestWorks works_;
  SchedulerOptions options_;
  std::unique_ptr<MicroBatchScheduler> scheduler_;
  std::array<std::vector<ModelWork>, kNumWorkClasses> waiting_;
  std::vector<int32_t> encoded_names_;
  int32_t next_name_ = 0;
  int encoded_ = 0;
  int dropped_ = 0;
};

TEST_P(SchedulerModelTest, AgreesWithTheModel) {
  for (int step = 0; step < 4000 && !HasFatalFailure(); ++step) {
    switch (Below(6)) {
      case 0:
      case 1:
        SubmitSome();
        break;
      case 2:
        CancelOne();
        break;
      case 3:
        clock_.Advance(absl::Milliseconds(Below(120)));
        break;
      default:
        PullBatch();
    }
    const SchedulerSnapshot snapshot = scheduler_->Snapshot();
    for (int c = 0; c < kNumWorkClasses; ++c) {
      ASSERT_EQ(snapshot.queued_works[c], static_cast<int>(waiting_[c].size()));
    }
  }
  // Enough happened for the above to mean something.
  EXPECT_GT(encoded_, 500);
  EXPECT_GT(dropped_, 30);

  const size_t left = waiting_[0].size() + waiting_[1].size();
  scheduler_->Close();
  // Conservation: what was accepted was answered, exactly once.
  EXPECT_EQ(works_.answered(), static_cast<size_t>(encoded_ + dropped_) + left);
  for (int32_t name = 0; name < next_name_; ++name) EXPECT_LE(works_.Answers(name).size(), 1u);
  for (int32_t name : encoded_names_) {
    EXPECT_THAT(works_.Answers(name), testing::ElementsAre(absl::StatusCode::kOk));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerModelTest, testing::Range(1u, 13u));

}  // namespace
}  // namespace sluice
