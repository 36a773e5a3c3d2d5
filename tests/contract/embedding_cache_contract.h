// What every EmbeddingCache must do, as a suite over caches: include it in one file of a test program and
// instantiate EmbeddingCacheContract with what makes them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/notification.h"
#include "core/base/thread.h"
#include "core/store/cache.h"
#include "tests/contract/cached_vectors.h"

namespace sluice {

struct CacheFactory {
  std::string name;
  // One that holds `max_bytes`, kSmallCacheBytes or more.
  std::function<std::unique_ptr<EmbeddingCache>(int64_t max_bytes, EmbeddingCacheObserver* observer)> make;
};

inline constexpr int64_t kSmallCacheBytes = 16 << 20;

class EmbeddingCacheContract : public testing::TestWithParam<CacheFactory> {
 protected:
  EmbeddingCacheContract() : cache_(GetParam().make(kSmallCacheBytes, &observer_)) {}

  CountingCacheObserver observer_;
  std::unique_ptr<EmbeddingCache> cache_;
};

TEST_P(EmbeddingCacheContract, FindsWhatWasPutAndNothingElse) {
  cache_->Put(KeyOf(1), VectorOf(1));
  EXPECT_TRUE(cache_->MayHold(KeyOf(1)));
  EXPECT_FALSE(cache_->MayHold(KeyOf(2)));
  EXPECT_EQ(AwaitGet(*cache_, 1), VectorOf(1));
  EXPECT_EQ(AwaitGet(*cache_, 2), std::nullopt);
}

// Bit for bit: the sign of a zero, what is smaller than normal, the payload of a NaN.
TEST_P(EmbeddingCacheContract, KeepsEveryBit) {
  std::vector<float> strange = {-0.0F, std::numeric_limits<float>::denorm_min(),
                                std::numeric_limits<float>::max(), -std::numeric_limits<float>::infinity(),
                                0.1F};
  const uint32_t payload = 0x7fc12345;
  strange.push_back(0);
  std::memcpy(&strange.back(), &payload, sizeof(payload));
  cache_->Put(KeyOf(1), strange);
  const auto found = AwaitGet(*cache_, 1);
  ASSERT_TRUE(found.has_value());
  ASSERT_EQ(found->size(), strange.size());
  EXPECT_EQ(std::memcmp(found->data(), strange.data(), strange.size() * sizeof(float)), 0);
}

TEST_P(EmbeddingCacheContract, AnswersInTheOrderOfTheKeys) {
  for (int64_t name : {3, 1, 2}) cache_->Put(KeyOf(name), VectorOf(name));
  EXPECT_THAT(AwaitGet(*cache_, {KeyOf(2), KeyOf(9), KeyOf(3), KeyOf(2)}),
              testing::ElementsAre(VectorOf(2), std::nullopt, VectorOf(3), VectorOf(2)));
  EXPECT_THAT(AwaitGet(*cache_, std::vector<EmbeddingKey>()), testing::IsEmpty());
}

// The first vector stays: hits are of one computation, whatever comes later.
TEST_P(EmbeddingCacheContract, KeepsTheFirstVectorOfAKey) {
  cache_->Put(KeyOf(1), VectorOf(1));
  cache_->Put(KeyOf(1), VectorOf(2));
  EXPECT_EQ(AwaitGet(*cache_, 1), VectorOf(1));
}

// A caller that puts the next text when one is answered would otherwise go a level deeper with each hit.
TEST_P(EmbeddingCacheContract, NeverAnswersOnTheCallersThread) {
  cache_->Put(KeyOf(1), VectorOf(1));
  std::thread::id answered_on;
  Notification ready;
  cache_->Get({KeyOf(1)}, [&](FoundEmbeddings) {
    answered_on = std::this_thread::get_id();
    ready.Notify();
  });
  ready.Wait();
  EXPECT_NE(answered_on, std::this_thread::get_id());
}

// The bound holds while four times as much comes; the newest is there, the oldest is gone, and it is told.
TEST_P(EmbeddingCacheContract, IsBounded) {
  constexpr int64_t kVectors = 4 * kSmallCacheBytes / (384 * 4);
  for (int64_t name = 0; name < kVectors; ++name) PutSurely(*cache_, name);
  EXPECT_EQ(AwaitGet(*cache_, kVectors - 1), VectorOf(kVectors - 1));
  EXPECT_EQ(AwaitGet(*cache_, 0), std::nullopt);
  EXPECT_FALSE(cache_->MayHold(KeyOf(0)));
  EXPECT_GT(observer_.evicted(), kVectors / 2);
  EXPECT_LE(observer_.most_bytes(), kSmallCacheBytes);
  EXPECT_GT(observer_.most_bytes(), kSmallCacheBytes / 4);
}

// What is asked for again and again outlives what is not.
TEST_P(EmbeddingCacheContract, KeepsWhatIsUsed) {
  constexpr int64_t kVectors = 3 * kSmallCacheBytes / (384 * 4);
  PutSurely(*cache_, 0);
  for (int64_t name = 1; name < kVectors; ++name) {
    PutSurely(*cache_, name);
    if (name % 500 == 0) {
      ASSERT_EQ(AwaitGet(*cache_, 0), VectorOf(0)) << "after " << name;
    }
  }
  EXPECT_EQ(AwaitGet(*cache_, 1), std::nullopt);
}

// Threads that put and get at once find right vectors or none, and every read is answered.
TEST_P(EmbeddingCacheContract, IsThreadSafe) {
  std::atomic<int> answers = 0;
  std::atomic<int> wrong = 0;
  {
    std::vector<Thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back("caller", [&, t] {
        for (int64_t i = 0; i < 500; ++i) {
          const int64_t name = (i * (t + 1)) % 97;
          cache_->Put(KeyOf(name), VectorOf(name, 16));
          cache_->Get({KeyOf(name)}, [&, name](FoundEmbeddings found) {
            if (found.size() != 1 || (found[0] && *found[0] != VectorOf(name, 16))) ++wrong;
            ++answers;
          });
        }
      });
    }
  }
  cache_.reset();
  EXPECT_EQ(answers, 2000);
  EXPECT_EQ(wrong, 0);
}

}  // namespace sluice
