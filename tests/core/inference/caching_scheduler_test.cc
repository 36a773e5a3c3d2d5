#include "core/inference/caching_scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <map>
#include <random>

#include "core/base/error_details.h"
#include "core/base/thread.h"
#include "core/base/thread_pool.h"
#include "core/inference/embedder.h"
#include "tests/fakes/in_memory_embedding_cache.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"
#include "tests/fakes/word_tokenizer.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kCancelled = absl::StatusCode::kCancelled;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;
constexpr auto kResourceExhausted = absl::StatusCode::kResourceExhausted;

using Ids = std::vector<int32_t>;

// What the encoder of these tests makes of a text.
std::vector<float> Encoded(const Ids& tokens) {
  std::vector<float> vector = {static_cast<float>(tokens.size())};
  for (const int32_t id : tokens) vector.push_back(1.0F / static_cast<float>(id));
  return vector;
}

// Works by name and how each was answered.
class Answers {
 public:
  absl::AnyInvocable<void(absl::StatusOr<std::vector<float>>) &&> Expect(const std::string& name) {
    return [this, name](absl::StatusOr<std::vector<float>> answer) {
      MutexLock lock(mutex_);
      codes_[name].push_back(answer.status().code());
      if (answer.ok()) vectors_[name] = *answer;
    };
  }
  std::vector<absl::StatusCode> Of(const std::string& name) const {
    MutexLock lock(mutex_);
    const auto found = codes_.find(name);
    return found == codes_.end() ? std::vector<absl::StatusCode>() : found->second;
  }
  std::vector<float> VectorOf(const std::string& name) {
    MutexLock lock(mutex_);
    return vectors_[name];
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::vector<absl::StatusCode>> codes_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::vector<float>> vectors_ ABSL_GUARDED_BY(mutex_);
};

class CachingSchedulerTest : public testing::Test {
 protected:
  void SetUp() override { Make("model-1"); }

  void Make(const std::string& scope, int max_joined_works = 1024) {
    caching_.reset();
    real_ = MicroBatchScheduler::Create(options_, clock_, nullptr).value();
    caching_ = MakeCachingScheduler({.vector_scope = scope, .max_joined_works = max_joined_works}, *real_,
                                    cache_, metrics_.embedding_cache());
  }

  EncodeWork Work(const std::string& name, Ids tokens, WorkClass work_class = WorkClass::kBulk) {
    EncodeWork work;
    work.tokens = std::move(tokens);
    work.work_class = work_class;
    work.done = answers_.Expect(name);
    return work;
  }
  EncodeWork Call(const std::string& name, Ids tokens) {
    return Work(name, std::move(tokens), WorkClass::kInteractive);
  }
  void Submit(EncodeWork work) { ASSERT_EQ(caching_->Submit(std::move(work)), absl::OkStatus()); }

  // Encodes what waits in the scheduler, one at a time; returns what.
  std::vector<Ids> EncodeAll() {
    std::vector<Ids> encoded;
    while (auto batch = real_->TryNextBatch({.max_jobs = 1})) {
      EncodeWork& work = batch->works[0];
      encoded.push_back(work.tokens);
      ++encoded_;
      std::move(work.done)(Encoded(work.tokens));
    }
    return encoded;
  }

  int64_t Lookups(size_t result) const {
    return static_cast<int64_t>(metrics_.embedding_cache().lookups_total[result]->Value());
  }

  SchedulerOptions options_ = {.interactive_memory = absl::ZeroDuration()};
  SimulatedClock clock_;
  prometheus::Registry registry_;
  ServiceMetrics metrics_{registry_};
  ManualExecutor cache_thread_;
  InMemoryEmbeddingCache cache_{{}, cache_thread_};
  Answers answers_;
  int encoded_ = 0;
  std::unique_ptr<MicroBatchScheduler> real_;
  std::unique_ptr<MicroBatchScheduler> caching_;
};

// The first is encoded; the next is answered without the scheduler, with the same bits.
TEST_F(CachingSchedulerTest, ATextIsEncodedOnce) {
  Submit(Work("first", {3, 7}));
  EXPECT_THAT(EncodeAll(), ElementsAre(Ids{3, 7}));
  Submit(Work("second", {3, 7}));
  EXPECT_EQ(real_->Snapshot().queued_works[1], 0);
  EXPECT_THAT(answers_.Of("second"), IsEmpty()) << "never inline";
  cache_thread_.RunAll();
  EXPECT_THAT(answers_.Of("second"), ElementsAre(kOk));
  EXPECT_EQ(answers_.VectorOf("second"), answers_.VectorOf("first"));
  EXPECT_THAT(EncodeAll(), IsEmpty());
  EXPECT_EQ(Lookups(0), 1);
  EXPECT_EQ(Lookups(1), 1);
}

TEST_F(CachingSchedulerTest, WhatDiffersIsNotShared) {
  Submit(Work("a", {3, 7}));
  Submit(Work("b", {7, 3}));
  Submit(Work("c", {3, 7, 7}));
  EXPECT_EQ(EncodeAll().size(), 3u);
  Make("model-2");
  Submit(Work("d", {3, 7}));
  EXPECT_EQ(EncodeAll().size(), 1u) << "another model's vector";
}

// Equal texts that wait together are encoded once, whether they came in one call or in several.
TEST_F(CachingSchedulerTest, EqualTextsOnTheirWayAreEncodedOnce) {
  std::vector<EncodeWork> works;
  for (const char* name : {"a", "b", "c"}) works.push_back(Work(name, {5, 5}));
  works.push_back(Work("other", {6}));
  ASSERT_EQ(caching_->SubmitAll(std::move(works)), absl::OkStatus());
  Submit(Work("d", {5, 5}));
  EXPECT_THAT(EncodeAll(), ElementsAre(Ids{5, 5}, Ids{6}));
  for (const char* name : {"a", "b", "c", "d"}) {
    EXPECT_THAT(answers_.Of(name), ElementsAre(kOk)) << name;
    EXPECT_EQ(answers_.VectorOf(name), Encoded({5, 5})) << name;
  }
  EXPECT_EQ(Lookups(1), 2);
  EXPECT_EQ(Lookups(2), 3);
}

// Also while the cache is asked: one question, one answer for all.
TEST_F(CachingSchedulerTest, EqualTextsJoinALookup) {
  Submit(Work("first", {4}));
  EncodeAll();
  Submit(Work("a", {4}));
  Submit(Work("b", {4}));
  EXPECT_EQ(cache_thread_.RunAll(), 1);
  EXPECT_THAT(answers_.Of("a"), ElementsAre(kOk));
  EXPECT_THAT(answers_.Of("b"), ElementsAre(kOk));
}

// Who joined a work that is cancelled goes on without it, and is encoded once for all of them.
TEST_F(CachingSchedulerTest, ACancelledWorkTakesNobodyWithIt) {
  CancellationSource source;
  EncodeWork first = Work("first", {5});
  first.cancellation = source.token();
  Submit(std::move(first));
  Submit(Work("a", {5}));
  Submit(Work("b", {5}));
  source.Cancel();
  EXPECT_THAT(EncodeAll(), IsEmpty()) << "dropped when a micro-batch was to be formed";
  EXPECT_THAT(EncodeAll(), ElementsAre(Ids{5}));
  EXPECT_THAT(answers_.Of("first"), ElementsAre(kCancelled));
  EXPECT_THAT(answers_.Of("a"), ElementsAre(kOk));
  EXPECT_THAT(answers_.Of("b"), ElementsAre(kOk));
}

TEST_F(CachingSchedulerTest, ALateWorkTakesNobodyWithIt) {
  EncodeWork first = Call("first", {5});
  first.deadline = clock_.MonotonicNow() + absl::Milliseconds(10);
  Submit(std::move(first));
  Submit(Call("a", {5}));
  clock_.Advance(absl::Milliseconds(11));
  EncodeAll();
  EncodeAll();
  EXPECT_THAT(answers_.Of("first"), ElementsAre(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(answers_.Of("a"), ElementsAre(kOk));
}

// A call that joined one refused for overload stood in the same queue; bulk work did not.
TEST_F(CachingSchedulerTest, OverloadEndsCallsAndNotBulkWork) {
  for (int i = 0; i < 30; ++i) Submit(Call(absl::StrCat("before", i), {100 + i}));
  Submit(Call("first", {5}));
  Submit(Call("call", {5}));
  Submit(Work("bulk", {5}));
  for (int i = 0; i < 30 && answers_.Of("first").empty(); ++i) {
    clock_.Advance(absl::Milliseconds(100));
    (void)real_->TryNextBatch({.max_jobs = 1});
  }
  EXPECT_THAT(answers_.Of("first"), ElementsAre(kResourceExhausted));
  EXPECT_THAT(answers_.Of("call"), ElementsAre(kResourceExhausted));
  EXPECT_THAT(answers_.Of("bulk"), IsEmpty());
  EncodeAll();
  EXPECT_THAT(answers_.Of("bulk"), ElementsAre(kOk));
}

// A call waits for no bulk work: it submits its own. Whoever comes then joins that.
TEST_F(CachingSchedulerTest, NobodyWaitsForSomebodyLessUrgent) {
  Submit(Work("bulk", {5}));
  EncodeWork large = Call("large call", {5});
  large.patient = true;
  Submit(std::move(large));
  Submit(Call("call", {5}));
  EXPECT_EQ(real_->Snapshot().queued_works[0], 2);
  Submit(Call("second call", {5}));
  Submit(Work("second bulk", {5}));
  EXPECT_EQ(real_->Snapshot().queued_works[0], 2);
  EXPECT_EQ(real_->Snapshot().queued_works[1], 1);

  auto batch = real_->TryNextBatch({.max_jobs = 1, .only_prompt = true});
  ASSERT_TRUE(batch.has_value());
  std::move(batch->works[0].done)(Encoded({5}));
  EXPECT_THAT(answers_.Of("call"), ElementsAre(kOk));
  EXPECT_THAT(answers_.Of("second call"), ElementsAre(kOk));
  EXPECT_THAT(answers_.Of("second bulk"), ElementsAre(kOk));
  EXPECT_THAT(answers_.Of("bulk"), IsEmpty());
  EncodeAll();
  EXPECT_THAT(answers_.Of("bulk"), ElementsAre(kOk));
  EXPECT_THAT(answers_.Of("large call"), ElementsAre(kOk));
}

// What the encoder says of a text it says of its equals, and it is not kept.
TEST_F(CachingSchedulerTest, AnEncodersFailureIsSharedAndNotKept) {
  Submit(Work("a", {5}));
  Submit(Work("b", {5}));
  auto batch = real_->TryNextBatch({});
  ASSERT_EQ(batch->works.size(), 1u);
  std::move(batch->works[0].done)(absl::InternalError("not finite"));
  EXPECT_THAT(answers_.Of("a"), ElementsAre(absl::StatusCode::kInternal));
  EXPECT_THAT(answers_.Of("b"), ElementsAre(absl::StatusCode::kInternal));
  EXPECT_EQ(cache_.size(), 0u);
  Submit(Work("c", {5}));
  EXPECT_THAT(EncodeAll(), ElementsAre(Ids{5}));
}

// All or none: what the scheduler refuses is as if it had never come.
TEST_F(CachingSchedulerTest, ARefusedCallLeavesNothingBehind) {
  options_.max_queued_works[1] = 2;
  Make("model-1");
  Submit(Work("first", {5}));
  std::vector<EncodeWork> works;
  works.push_back(Work("joining", {5}));
  works.push_back(Work("new", {6}));
  works.push_back(Work("newer", {7}));
  const absl::Status refused = caching_->SubmitAll(std::move(works));
  EXPECT_EQ(refused.code(), kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_THAT(EncodeAll(), ElementsAre(Ids{5}));
  for (const char* name : {"joining", "new", "newer"}) EXPECT_THAT(answers_.Of(name), IsEmpty()) << name;
  EXPECT_EQ(caching_->Submit(Work("no tokens", {})).code(), absl::StatusCode::kInvalidArgument);
  Submit(Work("again", {6}));
  EXPECT_THAT(EncodeAll(), ElementsAre(Ids{6})) << "nothing of the refused call is on its way";
}

// A vector that the cache lost since it was asked: a miss, a little later.
TEST_F(CachingSchedulerTest, WhatTheCacheLostIsEncoded) {
  Submit(Work("first", {5}));
  EncodeAll();
  cache_.ForgetAll();
  Submit(Work("a", {5}));
  Submit(Work("b", {5}));
  cache_thread_.RunAll();
  EXPECT_THAT(EncodeAll(), ElementsAre(Ids{5}));
  EXPECT_THAT(answers_.Of("a"), ElementsAre(kOk));
  EXPECT_THAT(answers_.Of("b"), ElementsAre(kOk));
}

// It was accepted, and the scheduler has no room left: a call is told to come again, a leased job goes back.
TEST_F(CachingSchedulerTest, WhatTheCacheLostMayFindNoRoom) {
  options_.max_queued_works[0] = options_.max_queued_works[1] = 1;
  Make("model-1");
  Submit(Work("first", {5}));
  EncodeAll();
  Submit(Work("second", {6}));
  EncodeAll();
  cache_.ForgetAll();
  Submit(Work("bulk", {5}));
  Submit(Call("call", {6}));
  Submit(Work("fills bulk", {7}));
  Submit(Call("fills calls", {8}));
  cache_thread_.RunAll();
  EXPECT_THAT(answers_.Of("bulk"), ElementsAre(kUnavailable));
  EXPECT_THAT(answers_.Of("call"), ElementsAre(kResourceExhausted));
}

// Leased work in memory is bounded by credit, so what waits here counts.
TEST_F(CachingSchedulerTest, CreditCountsWhatJoinedAndWhatIsLookedUp) {
  Submit(Work("first", {5, 5, 5}));
  EncodeAll();
  EXPECT_EQ(caching_->BulkCreditTokens(100), 100);
  Submit(Work("held", {5, 5, 5}));
  EXPECT_EQ(caching_->BulkCreditTokens(100), 97);
  Submit(Work("joins the look-up", {5, 5, 5}));
  Submit(Work("missed", {6, 6}));
  Submit(Work("joins", {6, 6}));
  Submit(Call("a call", {6, 6}));
  EXPECT_EQ(caching_->BulkCreditTokens(100), 90);
  cache_thread_.RunAll();
  EXPECT_EQ(caching_->BulkCreditTokens(100), 96);
  EncodeAll();
  EXPECT_EQ(caching_->BulkCreditTokens(100), 100);
}

TEST_F(CachingSchedulerTest, SoManyJoinOneWork) {
  Make("model-1", 2);
  for (const char* name : {"a", "b", "c", "d"}) Submit(Work(name, {5}));
  EXPECT_EQ(real_->Snapshot().queued_works[1], 2);
  EncodeAll();
  for (const char* name : {"a", "b", "c", "d"}) EXPECT_THAT(answers_.Of(name), ElementsAre(kOk)) << name;
}

TEST_F(CachingSchedulerTest, CloseAnswersThoseWhoJoined) {
  Submit(Work("a", {5}));
  Submit(Work("b", {5}));
  caching_->Close();
  EXPECT_THAT(answers_.Of("a"), ElementsAre(kUnavailable));
  EXPECT_THAT(answers_.Of("b"), ElementsAre(kUnavailable));
  EXPECT_EQ(caching_->Submit(Work("c", {6})).code(), kUnavailable);
}

// Texts of a call that are equal, through the embedder: each has its vector, in its place.
TEST_F(CachingSchedulerTest, ACallOfEqualTextsIsEncodedOnce) {
  WordTokenizer tokenizer;
  ManualExecutor executor;
  const auto embedder = Embedder::Create({.dimensions = 4, .max_tokens = 16}, tokenizer, *caching_, executor);
  absl::StatusOr<EmbedAnswer> answer = absl::UnknownError("no answer yet");
  embedder->Embed({.texts = {"one", "two", "one", "one"}},
                  [&](absl::StatusOr<EmbedAnswer> given) { answer = std::move(given); });
  executor.RunAll();
  EXPECT_EQ(EncodeAll().size(), 2u);
  ASSERT_TRUE(answer.ok()) << answer.status();
  const auto row = [&](int i) {
    return std::vector<float>(answer->vectors.begin() + 4 * i, answer->vectors.begin() + 4 * i + 4);
  };
  EXPECT_EQ(row(0), row(2));
  EXPECT_EQ(row(0), row(3));
  EXPECT_NE(row(0), row(1));
}

// Callers, a replica, a cache and cancellations at once: every work is answered once, with its own vector or
// because it was cancelled.
TEST(CachingSchedulerThreads, EveryWorkIsAnsweredOnceAndRightly) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  SimulatedClock clock;
  auto cache_thread = ThreadPool::Create({.name = "cache", .max_queued_closures = 100'000}).value();
  InMemoryEmbeddingCache cache({.max_bytes = 20 * 16}, *cache_thread);  // about half of the texts
  const auto real = MicroBatchScheduler::Create({}, clock, nullptr).value();
  auto caching = MakeCachingScheduler({.vector_scope = "m"}, *real, cache, metrics.embedding_cache());
  std::atomic<int> answered = 0;
  std::atomic<int> wrong = 0;
  std::atomic<int> submitted = 0;
  std::atomic<int> encoded = 0;
  {
    Thread replica("replica", [&] {
      while (auto batch = real->NextBatch({.max_jobs = 4})) {
        for (EncodeWork& work : batch->works) {
          ++encoded;
          std::move(work.done)(Encoded(work.tokens));
        }
      }
    });
    {
      std::vector<Thread> callers;
      for (unsigned t = 0; t < 3; ++t) {
        callers.emplace_back("caller", [&, t] {
          std::minstd_rand dice(t + 1);
          for (int i = 0; i < 2000; ++i) {
            const Ids ids = {static_cast<int32_t>(1 + dice() % 40), 2, 3};
            auto source = std::make_shared<CancellationSource>();
            const bool cancel = dice() % 4 == 0;
            EncodeWork work;
            work.tokens = ids;
            work.work_class = dice() % 2 == 0 ? WorkClass::kBulk : WorkClass::kInteractive;
            work.cancellation = source->token();
            work.done = [&, ids, cancel](absl::StatusOr<std::vector<float>> vector) {
              ++answered;
              if (vector.ok() ? *vector != Encoded(ids) : !(cancel && absl::IsCancelled(vector.status())))
                ++wrong;
            };
            if (caching->Submit(std::move(work)).ok()) ++submitted;
            if (cancel) source->Cancel();
          }
        });
      }
    }
    while (answered < submitted) std::this_thread::yield();
    caching->Close();
  }
  caching.reset();
  EXPECT_EQ(answered, submitted);
  EXPECT_EQ(submitted, 6000);
  EXPECT_EQ(wrong, 0);
  EXPECT_LT(encoded, submitted) << "nothing was shared";
}

}  // namespace
}  // namespace sluice
