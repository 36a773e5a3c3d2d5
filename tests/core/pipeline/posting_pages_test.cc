#include "core/pipeline/posting_pages.h"

#include <numeric>
#include <optional>

#include "gmock/gmock.h"
#include "tests/core/pipeline/plan_rig.h"

namespace sluice {
namespace {

class PostingPagesTest : public testing::Test {
 protected:
  // Reads a batch of 40 from `first_index` on, in pages of at most 16.
  void Open(int64_t first_index = 0) {
    lease_ = rig_.ClaimPlan(kAnyScreenSpec, std::vector<std::string>(40, "a posting"));
    pages_ = std::make_shared<PostingPages>(rig_.context_, lease_, first_index);
  }
  void Ask() {
    page_.reset();
    pages_->Next(pages_, [this](absl::StatusOr<PostingPage> page) { page_ = std::move(page); });
  }
  absl::StatusOr<PostingPage> Next() {
    Ask();
    rig_.Settle();
    EXPECT_TRUE(page_.has_value());
    return page_.value_or(absl::UnknownError("not answered"));
  }
  int Reads() const { return rig_.store_.Calls("ReadJobs"); }

  PlanRig rig_{{.page_postings = 16}};
  LeasePtr lease_;
  std::shared_ptr<PostingPages> pages_;
  std::optional<absl::StatusOr<PostingPage>> page_;
};

TEST_F(PostingPagesTest, HandsOutEveryJobOnceInOrder) {
  Open();
  std::vector<int64_t> indices;
  std::vector<size_t> sizes;
  while (true) {
    const auto page = Next();
    ASSERT_TRUE(page.ok()) << page.status();
    sizes.push_back((*page)->size());
    if ((*page)->empty()) break;
    for (const StoredJob& job : **page) indices.push_back(job.index);
  }
  EXPECT_THAT(sizes, testing::ElementsAre(16, 16, 8, 0));
  std::vector<int64_t> all(40);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(indices, all);
}

TEST_F(PostingPagesTest, BeginsWhereItIsTold) {
  Open(37);
  const auto page = Next();
  ASSERT_TRUE(page.ok());
  ASSERT_EQ((*page)->size(), 3u);
  EXPECT_EQ((*page)->front().index, 37);
}

TEST_F(PostingPagesTest, BehindTheLastJobThereAreNoMore) {
  Open(40);
  const auto page = Next();
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE((*page)->empty());
}

// One page is read while the last one is worked on, and no more than that one.
TEST_F(PostingPagesTest, ReadsOnePageAhead) {
  Open();
  ASSERT_TRUE(Next().ok());
  EXPECT_EQ(Reads(), 2);
  rig_.Wait(absl::Minutes(1));
  EXPECT_EQ(Reads(), 2);
  Ask();
  EXPECT_TRUE(page_.has_value()) << "was there already";
}

TEST_F(PostingPagesTest, AStoreThatIsBusyIsAskedAgain) {
  Open();
  rig_.store_.Arm(StoreFault::kBusy, 1, "ReadJobs", 2);
  Ask();
  rig_.Settle();
  EXPECT_FALSE(page_.has_value());
  for (int tries = 0; tries < 2; ++tries) rig_.Wait(absl::Seconds(1));
  ASSERT_TRUE(page_.has_value());
  EXPECT_EQ((**page_)->size(), 16u);
}

// Whoever waits for it is told, of a page read ahead as well.
TEST_F(PostingPagesTest, APageThatCannotBeReadIsAFailure) {
  Open();
  rig_.store_.Arm(StoreFault::kBreak, 2, "ReadJobs");
  ASSERT_TRUE(Next().ok());
  EXPECT_EQ(Next().status().code(), absl::StatusCode::kInternal);
}

TEST_F(PostingPagesTest, AStopDoesNotWaitForAStoreThatIsAway) {
  Open();
  rig_.store_.Arm(StoreFault::kRefuse, 1, "ReadJobs", 1000);
  Ask();
  rig_.Settle();
  rig_.Stop(lease_, StopReason::kDraining);
  rig_.Wait(absl::Seconds(1));
  ASSERT_TRUE(page_.has_value());
  EXPECT_EQ(page_->status().code(), absl::StatusCode::kUnavailable);
}

// Its owner lives until the page that is read ahead has come, and no longer.
TEST_F(PostingPagesTest, KeepsItsOwnerWhileItReads) {
  Open();
  Ask();
  rig_.calls_.RunAll();
  rig_.context_.loop->Turn();  // hands out the first page and asks for the next
  ASSERT_TRUE(page_.has_value());
  const std::weak_ptr<PostingPages> owner = pages_;
  pages_.reset();
  EXPECT_FALSE(owner.expired());
  rig_.Settle();
  EXPECT_TRUE(owner.expired());
}

}  // namespace
}  // namespace sluice
