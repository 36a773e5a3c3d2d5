#include "core/inference/encode_fallback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/inference/work_rate.h"
#include "tests/fakes/fake_encoder.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class RecordingObserver final : public EncodeObserver {
 public:
  void BeforePass(const PassSize& size) override { passes.push_back(size.tokens); }
  void AfterPass(const PassSize&, const absl::Status& status) override {
    failed_passes += status.ok() ? 0 : 1;
  }
  void OnFallback(const FallbackStep& step) override { steps.push_back(step); }

  std::vector<int64_t> passes;  // tokens of each
  int failed_passes = 0;
  std::vector<FallbackStep> steps;
};

class EncodeFallback : public testing::Test {
 protected:
  static constexpr int32_t kPoison = 666;

  std::vector<absl::Status> Run(FakeEncoderOptions options, const std::vector<std::vector<int32_t>>& texts) {
    FakeEncoder encoder(options);
    const std::vector<absl::Span<const int32_t>> spans(texts.begin(), texts.end());
    vectors_.assign(texts.size() * options.dimensions, 0.0F);
    return EncodeWithFallback(encoder, spans, absl::MakeSpan(vectors_), observer_);
  }

  // The vector at `index` is the one the text gets alone from an encoder in good health.
  void ExpectOwnVector(size_t index, const std::vector<int32_t>& text) {
    FakeEncoder encoder;
    std::vector<float> alone(8);
    const absl::Span<const int32_t> span = text;
    ASSERT_EQ(encoder.Encode({&span, 1}, absl::MakeSpan(alone)), absl::OkStatus());
    EXPECT_EQ(alone, std::vector<float>(vectors_.begin() + index * 8, vectors_.begin() + (index + 1) * 8))
        << index;
  }

  RecordingObserver observer_;
  std::vector<float> vectors_;
};

TEST_F(EncodeFallback, OnePassWhenNothingFails) {
  EXPECT_THAT(Run({}, {{1, 2}, {3, 4, 5}}), ElementsAre(absl::OkStatus(), absl::OkStatus()));
  EXPECT_THAT(observer_.passes, ElementsAre(5));
  EXPECT_THAT(observer_.steps, IsEmpty());
}

// One poison text among eight fails alone with the encoder's reason; it costs 2 log2(8) passes more.
TEST_F(EncodeFallback, PoisonFailsAloneAndItsNeighboursSucceed) {
  std::vector<std::vector<int32_t>> texts;
  for (int32_t i = 0; i < 8; ++i) texts.push_back({1, i == 5 ? kPoison : 100 + i});
  const auto statuses = Run({.poison_id = kPoison}, texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i == 5) {
      EXPECT_EQ(statuses[i], absl::InternalError("the id 666 is poison"));
    } else {
      EXPECT_EQ(statuses[i], absl::OkStatus());
      ExpectOwnVector(i, texts[i]);
    }
  }
  EXPECT_EQ(observer_.passes.size(), 7u);
  EXPECT_EQ(observer_.failed_passes, 4);
  ASSERT_EQ(observer_.steps.size(), 3u);
  EXPECT_TRUE(observer_.steps[0].whole_batch);
  EXPECT_FALSE(observer_.steps[0].to_single);
  EXPECT_FALSE(observer_.steps[1].whole_batch);
  EXPECT_EQ(observer_.steps[2].texts, 2u);
  EXPECT_TRUE(observer_.steps[2].to_single);
}

// A device that has room for three texts encodes seven in parts; none fails.
TEST_F(EncodeFallback, OutOfMemoryHalvesUntilItFits) {
  const std::vector<std::vector<int32_t>> texts = {{1, 2}, {2, 3}, {3, 4}, {4, 5}, {5, 6}, {6, 7}, {7, 8}};
  const auto statuses = Run({.max_jobs_in_memory = 3}, texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(statuses[i], absl::OkStatus());
    ExpectOwnVector(i, texts[i]);
  }
  EXPECT_THAT(observer_.passes, ElementsAre(14, 6, 8, 4, 4));
  EXPECT_EQ(observer_.steps[0].reason.code(), absl::StatusCode::kResourceExhausted);
}

// A text that breaks the contract must not cost its neighbours their vectors either.
TEST_F(EncodeFallback, InvalidTextFailsAlone) {
  const auto statuses = Run({}, {{1, 2}, {}, {3, 4}});
  EXPECT_EQ(statuses[0], absl::OkStatus());
  EXPECT_EQ(statuses[1].code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(statuses[2], absl::OkStatus());
}

TEST_F(EncodeFallback, NonFiniteVectorFailsAlone) {
  const auto statuses = Run({.non_finite_id = 9}, {{1, 2}, {1, 9}});
  EXPECT_EQ(statuses[0], absl::OkStatus());
  EXPECT_EQ(statuses[1].code(), absl::StatusCode::kInternal);
}

// When everything fails, every text has its own reason, after 2n - 1 passes.
TEST_F(EncodeFallback, EndsWhenEverythingFails) {
  const auto statuses = Run({.max_jobs_in_memory = 0}, {{1, 2}, {2, 3}, {3, 4}, {4, 5}});
  for (const absl::Status& status : statuses) EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(observer_.passes.size(), 7u);
}

TEST(WorkRate, IsZeroBeforeAnyWork) {
  EXPECT_EQ(WorkRate().TokensPerSecond(), 0);
}

// Only the last ten seconds of work count, so a replica that slows down is seen to.
// Predicted and unpredicted work together would say nothing, so all of a replica's is one or the other.
TEST(WorkRate, ComparesWorkWithWhatWasPredicted) {
  WorkRate rate;
  EXPECT_EQ(rate.Slowness(), 1) << "before any work";
  rate.Add(100, absl::Seconds(2), absl::Seconds(1));
  rate.Add(100, absl::Seconds(4), absl::Seconds(1));
  EXPECT_EQ(rate.Slowness(), 3);
  rate.Add(0, absl::Seconds(10), absl::Seconds(10));
  EXPECT_EQ(rate.Slowness(), 1) << "what lies ten busy seconds back is forgotten";
  WorkRate unpredicted;
  unpredicted.Add(100, absl::Seconds(2));
  EXPECT_EQ(unpredicted.Slowness(), 1);
}

TEST(WorkRate, ForgetsWorkOlderThanTenBusySeconds) {
  WorkRate rate;
  for (int i = 0; i < 100; ++i) rate.Add(1000, absl::Milliseconds(100));
  EXPECT_DOUBLE_EQ(rate.TokensPerSecond(), 10'000);
  for (int i = 0; i < 120; ++i) rate.Add(100, absl::Milliseconds(100));
  EXPECT_DOUBLE_EQ(rate.TokensPerSecond(), 1'000);
}

}  // namespace
}  // namespace sluice
