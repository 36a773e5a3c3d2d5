// How many books of a shelf are in work, with a loop that the test turns, in virtual time.
#include "core/pipeline/books_in_work.h"

#include <memory>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;

class BooksInWorkTest : public testing::Test {
 protected:
  ~BooksInWorkTest() override { loop_->Close(); }

  LeasePtr Enter(int64_t job, int most, const std::string& batch = "shelf") {
    auto lease = std::make_shared<Lease>();
    lease->claim.batch_id = batch;
    lease->claim.job_index = job;
    books_.Enter(lease, most, [this, job] { begun_.push_back(job); });
    return lease;
  }

  SimulatedClock clock_;
  ManualExecutor executor_;
  std::shared_ptr<PipelineLoop> loop_ = std::make_shared<PipelineLoop>(clock_, executor_);
  BooksInWork books_{*loop_};
  std::vector<int64_t> begun_;
};

TEST_F(BooksInWorkTest, AsManyBooksAreInWorkAsTheShelfSays) {
  const LeasePtr first = Enter(0, 2);
  Enter(1, 2);
  Enter(2, 2);
  EXPECT_THAT(begun_, ElementsAre(0, 1));
  first->ended = true;
  books_.Admit();
  EXPECT_THAT(begun_, ElementsAre(0, 1, 2));
}

TEST_F(BooksInWorkTest, AnotherShelfDoesNotWaitForIt) {
  Enter(0, 1);
  Enter(1, 1);
  Enter(7, 1, "another");
  EXPECT_THAT(begun_, ElementsAre(0, 7));
}

// Its split is over, and its assembly has not been claimed.
TEST_F(BooksInWorkTest, ABookIsInWorkWhileItsTasksAre) {
  const LeasePtr split = Enter(0, 1);
  Enter(1, 1);
  books_.GoOn(split->claim);
  split->ended = true;
  books_.Admit();
  EXPECT_THAT(begun_, ElementsAre(0));
  const auto assembly = std::make_shared<Lease>();
  assembly->claim = split->claim;
  books_.Assemble(assembly);
  books_.Admit();
  EXPECT_THAT(begun_, ElementsAre(0));
  assembly->ended = true;
  books_.Admit();
  EXPECT_THAT(begun_, ElementsAre(0, 1));
}

TEST_F(BooksInWorkTest, ABookThatIsSplitAgainDoesNotWaitForItself) {
  const LeasePtr split = Enter(0, 1);
  books_.GoOn(split->claim);
  split->ended = true;
  Enter(0, 1);
  EXPECT_THAT(begun_, ElementsAre(0, 0));
}

// After a crash: what was in work when the process died is claimed alone, and nothing else meanwhile.
TEST_F(BooksInWorkTest, ABookThatIsClaimedAloneWaitsForNoOther) {
  Enter(0, 1);
  auto lease = std::make_shared<Lease>();
  lease->claim.batch_id = "shelf";
  lease->claim.job_index = 1;
  lease->claim.alone = true;
  books_.Enter(lease, 1, [this] { begun_.push_back(1); });
  EXPECT_THAT(begun_, ElementsAre(0, 1));
}

TEST_F(BooksInWorkTest, TheEndOfAShelfEndsItsBooks) {
  const LeasePtr split = Enter(0, 1);
  books_.GoOn(split->claim);
  books_.OnBatchEnded("shelf");
  Enter(1, 1);
  EXPECT_THAT(begun_, ElementsAre(0, 1));
}

// Nobody tells of a stop: who waits looks.
TEST_F(BooksInWorkTest, ABookThatWaitsHearsThatItWasStopped) {
  Enter(0, 1);
  const LeasePtr waiting = Enter(1, 1);
  waiting->stop = StopReason::kBatchCancelled;
  clock_.Advance(absl::Milliseconds(100));
  loop_->Turn();
  EXPECT_THAT(begun_, ElementsAre(0, 1));
}

}  // namespace
}  // namespace sluice
