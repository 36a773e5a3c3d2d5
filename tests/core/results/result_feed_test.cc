#include "core/results/result_feed.h"

#include <deque>
#include <optional>

#include "core/base/error_details.h"
#include "core/base/notification.h"
#include "core/base/thread.h"
#include "core/store/await.h"
#include "gtest/gtest.h"
#include "tests/fakes/faulty_batch_store.h"
#include "tests/fakes/in_memory_batch_store.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

// A store whose outcomes the test commits itself, and a feed on it.
class ResultFeedTest : public ::testing::Test, public StoreListener {
 protected:
  ResultFeedTest() : plain_({}, clock_), store_(plain_) { Restart({}); }
  // Not in the destructor: the store's thread may be calling this very object, whose class then changes.
  void TearDown() override { plain_.SetListener(nullptr); }

  void Restart(FeedOptions options) {
    plain_.SetListener(nullptr);
    Flush();
    feed_ = *ResultFeed::Create(options, store_, store_);
    plain_.SetListener(this);
  }
  // Waits until the store has answered what it was asked before.
  void Flush() {
    (void)AwaitStore<StoreStats>([&](auto done) { plain_.Stats(std::move(done)); });
  }
  void OnReady() override {}
  void OnOutcomes(const std::string& batch_id) override { feed_->OnOutcomes(batch_id); }

  void CreateBatch(int jobs, std::string tenant = "") {
    std::vector<NewJob> added;
    for (int i = 0; i < jobs; ++i) added.push_back({absl::StrCat("job-", i), "text"});
    const NewBatch batch{.tenant = tenant, .kind = JobKind::kEmbed, .spec = "error"};
    id_ = AwaitStore<Batch>([&](auto done) { plain_.CreateBatch(batch, added, std::move(done)); })->id;
    session_ =
        *AwaitStore<SessionId>([&](auto done) { plain_.OpenSession(absl::Hours(1), std::move(done)); });
    const ClaimRequest all{.session = session_, .stages = {Stage::kEmbed}, .max_claims = 4096};
    claims_ = *AwaitStore<std::vector<Claimed>>([&](auto done) { plain_.Claim(all, std::move(done)); });
  }
  // Records the next `n` outcomes in one commit.
  void Commit(int n) {
    std::vector<LeasedStep> outcomes;
    for (; n > 0; --n) {
      const Claimed& claim = claims_[committed_++];
      outcomes.push_back({claim.key(), NewOutcome{.result = claim.job_id}});
    }
    (void)AwaitStore<std::vector<CommitResult>>(
        [&](auto done) { plain_.CommitSteps(outcomes, std::move(done)); });
  }
  std::unique_ptr<FeedSubscription> Subscribe(int64_t after_sequence = 0, std::string tenant = "") {
    auto subscription = feed_->Subscribe({tenant, id_}, after_sequence);
    EXPECT_TRUE(subscription.ok()) << subscription.status();
    return subscription.ok() ? *std::move(subscription) : nullptr;
  }

  struct Pending {
    Notification answered;
    std::optional<absl::StatusOr<FeedPage>> page;
  };
  std::shared_ptr<Pending> Ask(FeedSubscription& subscription) {
    auto pending = std::make_shared<Pending>();
    subscription.Next([pending](absl::StatusOr<FeedPage> page) {
      pending->page = std::move(page);
      pending->answered.Notify();
    });
    return pending;
  }
  absl::StatusOr<FeedPage> Next(FeedSubscription& subscription) {
    auto pending = Ask(subscription);
    if (!pending->answered.WaitFor(absl::Seconds(20))) return absl::DeadlineExceededError("no page");
    return *pending->page;
  }
  // Reads to the end and returns the sequence numbers.
  std::vector<int64_t> ReadAll(FeedSubscription& subscription) {
    std::vector<int64_t> sequences;
    while (true) {
      const absl::StatusOr<FeedPage> page = Next(subscription);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) return sequences;
      for (const Outcome& outcome : page->outcomes) sequences.push_back(outcome.sequence);
      if (page->finished) return sequences;
      EXPECT_FALSE(page->outcomes.empty());
    }
  }
  static std::vector<int64_t> Range(int64_t first, int64_t last) {
    std::vector<int64_t> range;
    for (; first <= last; ++first) range.push_back(first);
    return range;
  }

  SimulatedClock clock_;
  InMemoryBatchStore plain_;
  FaultyBatchStore store_;
  std::unique_ptr<ResultFeed> feed_;
  std::string id_;
  SessionId session_ = 0;
  std::vector<Claimed> claims_;
  int committed_ = 0;
};

TEST_F(ResultFeedTest, RefusesOptionsOutOfRange) {
  EXPECT_EQ(ResultFeed::Create({.max_subscriptions = 0}, store_, store_).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ResultFeed::Create({.page_outcomes = 257}, store_, store_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// A finished batch comes in full pages, in order, and ends with the last one.
TEST_F(ResultFeedTest, ReadsAFinishedBatchToItsEnd) {
  CreateBatch(300);
  Commit(300);
  auto subscription = Subscribe();
  auto page = Next(*subscription);
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->outcomes.size(), 128u);
  EXPECT_FALSE(page->finished);
  EXPECT_EQ(ReadAll(*subscription), Range(129, 300));
  page = Next(*subscription);
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(page->finished);
  EXPECT_TRUE(page->outcomes.empty());
}

TEST_F(ResultFeedTest, ResumesAfterASequenceNumber) {
  CreateBatch(10);
  Commit(10);
  EXPECT_EQ(ReadAll(*Subscribe(7)), Range(8, 10));
  EXPECT_EQ(ReadAll(*Subscribe(10)), std::vector<int64_t>{});
  EXPECT_EQ(Next(*Subscribe(11)).status().code(), absl::StatusCode::kOutOfRange);
}

// A reader that has everything waits, and a commit wakes it; the last commit ends it.
TEST_F(ResultFeedTest, ACommitWakesTheReader) {
  CreateBatch(3);
  auto subscription = Subscribe();
  auto pending = Ask(*subscription);
  Flush();
  EXPECT_FALSE(pending->answered.HasBeenNotified());
  Commit(1);
  ASSERT_TRUE(pending->answered.WaitFor(absl::Seconds(20)));
  ASSERT_TRUE((*pending->page).ok());
  EXPECT_EQ((*pending->page)->outcomes.size(), 1u);
  EXPECT_FALSE((*pending->page)->finished);
  Commit(2);
  EXPECT_EQ(ReadAll(*subscription), Range(2, 3));
}

// Readers at full speed while outcomes are committed one by one: every reader sees each once, in order.
TEST_F(ResultFeedTest, NoReaderMissesOrRepeatsAnOutcome) {
  constexpr int kJobs = 500;
  CreateBatch(kJobs);
  std::vector<int64_t> read[3];
  std::vector<Thread> readers;
  for (auto& sequences : read) {
    readers.emplace_back("reader", [this, &sequences] { sequences = ReadAll(*Subscribe()); });
  }
  for (int i = 0; i < kJobs; ++i) Commit(1);
  readers.clear();
  for (const auto& sequences : read) EXPECT_EQ(sequences, Range(1, kJobs));
}

TEST_F(ResultFeedTest, OtherTenantsAndUnknownBatchesAreNotFound) {
  CreateBatch(1, "acme");
  EXPECT_EQ(Next(*Subscribe(5, "acme")).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(Next(*Subscribe(0, "other")).status().code(), absl::StatusCode::kNotFound);
  id_ = "no-such-batch";
  EXPECT_EQ(Next(*Subscribe()).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ResultFeedTest, BoundsTheSubscriptions) {
  Restart({.max_subscriptions = 2});
  CreateBatch(1);
  auto first = Subscribe();
  auto second = Subscribe();
  const absl::Status refused = feed_->Subscribe({"", id_}, 0).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_STREAMS");
  first.reset();
  EXPECT_NE(Subscribe(), nullptr);
}

TEST_F(ResultFeedTest, OneNextAtATime) {
  CreateBatch(1);
  auto subscription = Subscribe();
  auto first = Ask(*subscription);
  EXPECT_EQ(Next(*subscription).status().code(), absl::StatusCode::kFailedPrecondition);
  Commit(1);
  ASSERT_TRUE(first->answered.WaitFor(absl::Seconds(20)));
  EXPECT_TRUE((*first->page)->finished);
}

TEST_F(ResultFeedTest, CloseEndsWhatWaitsAndRefusesMore) {
  CreateBatch(1);
  auto subscription = Subscribe();
  auto pending = Ask(*subscription);
  feed_->Close();
  ASSERT_TRUE(pending->answered.WaitFor(absl::Seconds(20)));
  EXPECT_EQ((*pending->page).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Next(*subscription).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(feed_->Subscribe({"", id_}, 0).status().code(), absl::StatusCode::kUnavailable);
}

// Unsubscribing while a read is under way: the answer goes nowhere. The feed may go first, too.
TEST_F(ResultFeedTest, GoesAwayWithAPendingRead) {
  CreateBatch(2);
  Commit(1);
  for (int round = 0; round < 50; ++round) {
    auto subscription = Subscribe();
    auto pending = Ask(*subscription);
    subscription.reset();
    const bool answered = pending->answered.HasBeenNotified();
    Flush();
    EXPECT_EQ(pending->answered.HasBeenNotified(), answered);
  }
  auto left = Subscribe(1);
  auto pending = Ask(*left);
  Restart({});
  ASSERT_TRUE(pending->answered.WaitFor(absl::Seconds(20)));
  EXPECT_EQ((*pending->page).status().code(), absl::StatusCode::kUnavailable);
}

// A store error does not move the position: the next try goes on where it was.
TEST_F(ResultFeedTest, AStoreErrorKeepsThePosition) {
  CreateBatch(200);
  Commit(200);
  auto subscription = Subscribe();
  ASSERT_TRUE(Next(*subscription).ok());
  store_.Arm(StoreFault::kRefuse, 1);
  EXPECT_EQ(Next(*subscription).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReadAll(*subscription), Range(129, 200));
}

}  // namespace
}  // namespace sluice
