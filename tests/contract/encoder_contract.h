// What every Encoder must do, as a suite over encoders: include it in one file of a test program and
// instantiate EncoderContract with what makes them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "core/inference/encoder.h"

namespace sluice {

struct EncoderUnderTest {
  std::string name;
  std::function<std::unique_ptr<Encoder>()> make;  // called on the test's thread
  bool unit_length = true;                         // the model's configuration normalises
  float tolerance = 1e-5F;                         // between a text alone and among others
};

class EncoderContract : public testing::TestWithParam<EncoderUnderTest> {
 protected:
  using Ids = std::vector<int32_t>;

  void SetUp() override {
    encoder_ = GetParam().make();
    ASSERT_NE(encoder_, nullptr);
  }

  int dimensions() const { return encoder_->description().dimensions; }
  int max_tokens() const { return encoder_->description().max_tokens; }
  int vocabulary_size() const { return encoder_->description().vocabulary_size; }

  // A text of `length` ids that differs with `seed`.
  Ids Text(int length, int seed = 0) const {
    Ids ids(length);
    for (int i = 0; i < length; ++i) ids[i] = (7 * i + 13 * seed + i * i * (seed + 1)) % vocabulary_size();
    return ids;
  }

  std::vector<std::vector<float>> EncodeAll(const std::vector<Ids>& texts) {
    std::vector<float> vectors(texts.size() * dimensions());
    EXPECT_EQ(Encode(texts, vectors), absl::OkStatus());
    std::vector<std::vector<float>> split;
    for (size_t i = 0; i < texts.size(); ++i) {
      const float* const begin = vectors.data() + i * dimensions();
      split.emplace_back(begin, begin + dimensions());
    }
    return split;
  }

  absl::Status Encode(const std::vector<Ids>& texts, std::vector<float>& vectors) {
    const std::vector<absl::Span<const int32_t>> spans(texts.begin(), texts.end());
    return encoder_->Encode(spans, absl::MakeSpan(vectors));
  }

  // Refused for what the caller did, and the vectors are as they were.
  void ExpectRefused(const std::vector<Ids>& texts, const std::string& mention) {
    std::vector<float> vectors(texts.size() * dimensions(), 42.0F);
    const absl::Status status = Encode(texts, vectors);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(mention), absl::string_view::npos) << status;
    EXPECT_TRUE(std::all_of(vectors.begin(), vectors.end(), [](float x) { return x == 42.0F; }));
  }

  static float Distance(const std::vector<float>& a, const std::vector<float>& b) {
    float worst = 0;
    for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
    return worst;
  }

  std::unique_ptr<Encoder> encoder_;
};

TEST_P(EncoderContract, DescribesItself) {
  EXPECT_FALSE(encoder_->description().model_name.empty());
  EXPECT_FALSE(encoder_->description().model_digest.empty());
  EXPECT_GE(dimensions(), 1);
  EXPECT_GE(max_tokens(), 3);
  EXPECT_GE(vocabulary_size(), 4);
}

// Vectors are finite, and of unit length where the model says so.
TEST_P(EncoderContract, VectorsAreFiniteAndNormalised) {
  for (const std::vector<float>& vector : EncodeAll({Text(2), Text(5, 1), Text(max_tokens(), 2)})) {
    const float square = std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0F);
    EXPECT_TRUE(std::isfinite(square));
    if (GetParam().unit_length) {
      EXPECT_NEAR(square, 1.0F, 1e-4);
    }
  }
}

// A text's vector is the same alone, among others of its length, among longer and shorter ones, and in any
// place.
TEST_P(EncoderContract, VectorDoesNotDependOnNeighbours) {
  const Ids text = Text(9, 5);
  const std::vector<float> alone = EncodeAll({text})[0];
  const auto last = EncodeAll({Text(9, 1), Text(max_tokens(), 2), Text(2, 3), text});
  EXPECT_LE(Distance(last[3], alone), GetParam().tolerance);
  const auto twice = EncodeAll({text, Text(3, 4), text});
  EXPECT_LE(Distance(twice[0], alone), GetParam().tolerance);
  EXPECT_LE(Distance(twice[2], alone), GetParam().tolerance);
}

// Vectors are in the order of the texts, whatever order the encoder computes in.
TEST_P(EncoderContract, VectorsAreInTheOrderOfTheTexts) {
  const std::vector<Ids> texts = {Text(12, 1), Text(3, 2), Text(7, 3), Text(3, 4), Text(12, 5)};
  const auto together = EncodeAll(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_LE(Distance(together[i], EncodeAll({texts[i]})[0]), GetParam().tolerance) << "text " << i;
  }
}

// Ids and their order make the vector.
TEST_P(EncoderContract, DifferentTextsGetDifferentVectors) {
  const auto vectors = EncodeAll({{1, 2, 3, 0}, {1, 2, 0, 3}, {1, 2, 2, 0}});
  EXPECT_GT(Distance(vectors[0], vectors[1]), 1e-4F);
  EXPECT_GT(Distance(vectors[0], vectors[2]), 1e-4F);
}

// The same pass gives the same bits.
TEST_P(EncoderContract, IsDeterministic) {
  const std::vector<Ids> texts = {Text(6, 1), Text(11, 2)};
  EXPECT_EQ(EncodeAll(texts), EncodeAll(texts));
}

// A pass that lets others in between its layers, on the same encoder, gives the same vectors, and so do
// those.
TEST_P(EncoderContract, PassesMayStandWithinAPass) {
  const std::vector<Ids> texts = {Text(6, 1), Text(11, 2)};
  const std::vector<Ids> inner = {Text(11, 3), Text(3, 4)};
  const auto expected = EncodeAll(texts);
  const auto expected_inner = EncodeAll(inner);
  int passes = 0;
  bool inside = false;
  const bool interruptible = encoder_->SetBetweenLayers([&] {
    if (std::exchange(inside, true)) return;
    EXPECT_EQ(EncodeAll(inner), expected_inner);
    ++passes;
    inside = false;
  });
  EXPECT_EQ(EncodeAll(texts), expected);
  EXPECT_EQ(passes > 0, interruptible);
  encoder_->SetBetweenLayers(nullptr);
  EXPECT_EQ(EncodeAll(texts), expected);
}

// Batches far larger than a micro-batch still run.
TEST_P(EncoderContract, TakesManyTexts) {
  const std::vector<Ids> texts(300, Text(4, 1));
  const auto vectors = EncodeAll(texts);
  EXPECT_LE(Distance(vectors.front(), vectors.back()), GetParam().tolerance);
}

TEST_P(EncoderContract, RefusesTextsThatAreEmptyOrTooLong) {
  ExpectRefused({Text(4), {}}, "text 1");
  ExpectRefused({Text(4), Text(max_tokens() + 1)}, std::to_string(max_tokens()));
  EXPECT_EQ(EncodeAll({Text(max_tokens())}).size(), 1u);
}

TEST_P(EncoderContract, RefusesIdsOutsideTheVocabulary) {
  ExpectRefused({{1, -1}}, "-1");
  ExpectRefused({{1, vocabulary_size()}}, std::to_string(vocabulary_size()));
  EXPECT_EQ(EncodeAll({{vocabulary_size() - 1, 0}}).size(), 1u);
}

TEST_P(EncoderContract, RefusesNoTextsAndTheWrongRoom) {
  ExpectRefused({}, "no texts");
  std::vector<float> short_by_one(2 * dimensions() - 1);
  EXPECT_EQ(Encode({Text(3), Text(4)}, short_by_one).code(), absl::StatusCode::kInvalidArgument);
}

// A refused call leaves the encoder fit for the next.
TEST_P(EncoderContract, WorksAfterARefusal) {
  const auto before = EncodeAll({Text(5)});
  ExpectRefused({{}}, "text 0");
  EXPECT_EQ(EncodeAll({Text(5)}), before);
}

}  // namespace sluice
