// The encoder in eight bits on a small random model: near the paper's forward pass, and exact about the rest.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/inference/cpu/quantized_bert.h"
#include "core/inference/cpu/tensor_floats.h"
#include "tests/contract/encoder_contract.h"
#include "tests/core/inference/reference_pass.h"
#include "tests/core/inference/tiny_bert.h"
#include "tests/fakes/emulated_amx_kernels.h"

namespace sluice {
namespace {

using testing::HasSubstr;

constexpr int kHidden = 64;

class QuantizedEncoderTest : public testing::TestWithParam<const Int8Kernels*> {
 protected:
  void SetUp() override {
    if (GetParam() == nullptr) GTEST_SKIP() << "this processor has no fast int8 kernels";
  }

  std::shared_ptr<const BertModelFiles> Load() {
    return LoadBertModelFiles(model_.Write(TestDirectory("model"))).value();
  }

  std::unique_ptr<Encoder> Make() { return Make(*GetParam()); }
  std::unique_ptr<Encoder> Make(const Int8Kernels& kernels) {
    return MakeQuantizedEncoder(QuantizedBert::Create(Load(), kernels).value());
  }

  void Replace(const std::string& file, const std::string& from, const std::string& to) {
    std::string& content = model_.files[file];
    content.replace(content.find(from), from.size(), to);
  }

  // `count` texts of `length` random ids.
  static std::vector<std::vector<int32_t>> RandomTexts(int count, int length) {
    std::vector<std::vector<int32_t>> texts(count);
    uint32_t state = 7;
    for (auto& text : texts) {
      for (int i = 0; i < length; ++i)
        text.push_back(static_cast<int32_t>((state = state * 1664525 + 1013904223) >> 8) % 50);
    }
    return texts;
  }

  static std::vector<float> Encode(Encoder& encoder, const std::vector<std::vector<int32_t>>& texts) {
    const std::vector<absl::Span<const int32_t>> spans(texts.begin(), texts.end());
    std::vector<float> vectors(texts.size() * kHidden);
    EXPECT_EQ(encoder.Encode(spans, absl::MakeSpan(vectors)), absl::OkStatus());
    return vectors;
  }

  void ExpectNearReference() { ExpectNearReference(*GetParam()); }
  void ExpectNearReference(const Int8Kernels& kernels) {
    const auto files = Load();
    const ReferencePass reference(model_, files->config());
    const auto encoder = Make(kernels);
    for (const int length : {1, 3, 16, 70}) {
      const auto texts = RandomTexts(1, length);
      const std::vector<float> vector = Encode(*encoder, texts);
      const std::vector<double> expected = reference.Encode(texts[0]);
      double product = 0, squares = 0, expected_squares = 0;
      for (int i = 0; i < kHidden; ++i) {
        product += vector[i] * expected[i];
        squares += vector[i] * vector[i];
        expected_squares += expected[i] * expected[i];
      }
      EXPECT_GE(product / std::sqrt(squares * expected_squares), 0.996) << length << " tokens";
      EXPECT_NEAR(std::sqrt(squares / expected_squares), 1, 0.02) << length << " tokens";
    }
  }

  TinyBert model_{1, {.hidden = kHidden, .inner = 128, .positions = 80, .max_tokens = 72}};
};

TEST_P(QuantizedEncoderTest, IsNearThePaper) {
  ExpectNearReference();
}

// Of the inner columns, the last block may be narrower; of the rows, shorter.
TEST_P(QuantizedEncoderTest, FeedsInBlocksOfAnySize) {
  model_ = TinyBert(1, {.hidden = kHidden, .inner = 192, .positions = 80, .max_tokens = 72});
  for (auto& [name, tensor] : model_.tensors) {
    if (!absl::EndsWith(name, "output.dense.bias")) continue;
    for (float& value : tensor.values) value *= 20;  // so that adding it twice, or never, shows
  }
  Int8Kernels kernels = *GetParam();
  for (const int64_t columns : {64, 128, 192, 256}) {
    SCOPED_TRACE(columns);
    kernels.feed_block = {.rows = 48, .columns = columns};
    ExpectNearReference(kernels);
  }
}

TEST_P(QuantizedEncoderTest, ClsPoolingAndTanhGelu) {
  Replace("config.json", R"("gelu")", R"("gelu_new")");
  model_.files["1_Pooling/config.json"] = R"({"pooling_mode": "cls"})";
  ExpectNearReference();
}

TEST_P(QuantizedEncoderTest, MaxPoolingReluAndNoNormalising) {
  Replace("config.json", R"("gelu")", R"("relu")");
  Replace("modules.json", "models.Normalize", "models.Transformer");
  model_.files["1_Pooling/config.json"] = R"({"pooling_mode": "max"})";
  ExpectNearReference();
}

TEST_P(QuantizedEncoderTest, RobertaPositions) {
  Replace("config.json", R"("bert")", R"("roberta")");
  Replace("config.json", R"("pad_token_id": 0)", R"("pad_token_id": 1)");
  ExpectNearReference();
}

TEST_P(QuantizedEncoderTest, WeightsStoredInBf16) {
  for (auto& [name, tensor] : model_.tensors) {
    tensor.type = "BF16";
    for (float& value : tensor.values) value = std::ldexp(std::nearbyint(std::ldexp(value, 5)), -5);
  }
  ExpectNearReference();
}

// To the bit: alone, among texts of other lengths, first or last, in a part of its own or split from the
// others.
TEST_P(QuantizedEncoderTest, AVectorDoesNotDependOnTheBatch) {
  const auto encoder = Make();
  const std::vector<int32_t> text = RandomTexts(1, 37)[0];
  const std::vector<float> alone = Encode(*encoder, {text});
  for (const int others : {1, 4, 30}) {
    std::vector<std::vector<int32_t>> texts = RandomTexts(others, 70);
    texts.insert(texts.begin(), text);
    texts.push_back(text);
    const std::vector<float> vectors = Encode(*encoder, texts);
    EXPECT_EQ(std::vector<float>(vectors.begin(), vectors.begin() + kHidden), alone);
    EXPECT_EQ(std::vector<float>(vectors.end() - kHidden, vectors.end()), alone);
  }
}

TEST_P(QuantizedEncoderTest, SaysWhatItIs) {
  const EncoderDescription description = Make()->description();
  EXPECT_EQ(description.precision, Precision::kInt8);
  EXPECT_EQ(description.dimensions, kHidden);
  EXPECT_EQ(description.max_tokens, 72);
  EXPECT_FALSE(description.pads_to_ladder);
}

TEST_P(QuantizedEncoderTest, NonFiniteVectorsAreInternal) {
  model_.tensors["embeddings.LayerNorm.bias"].values[0] = std::numeric_limits<float>::infinity();
  const auto encoder = Make();
  const std::vector<int32_t> ids = {1, 2, 3};
  const absl::Span<const int32_t> text = ids;
  std::vector<float> vector(kHidden);
  EXPECT_EQ(encoder->Encode({&text, 1}, absl::MakeSpan(vector)),
            absl::InternalError("the vector of text 0 is not finite"));
}

// Of any token, through any pooling: what is not finite must not be lost on the way.
TEST_P(QuantizedEncoderTest, OneNonFiniteTokenSpoilsItsText) {
  model_.tensors["embeddings.word_embeddings.weight"].values[5 * kHidden + 3] =
      std::numeric_limits<float>::quiet_NaN();
  for (const char* pooling : {"mean", "cls", "max"}) {
    model_.files["1_Pooling/config.json"] = absl::StrCat(R"({"pooling_mode": ")", pooling, R"("})");
    const auto encoder = Make();
    const std::vector<int32_t> good = {1, 2, 3}, bad = {1, 2, 5, 4};
    const std::vector<absl::Span<const int32_t>> texts = {good, bad};
    std::vector<float> vectors(2 * kHidden);
    EXPECT_EQ(encoder->Encode(texts, absl::MakeSpan(vectors)),
              absl::InternalError("the vector of text 1 is not finite"))
        << pooling;
  }
}

TEST_P(QuantizedEncoderTest, RefusesWeightsThatAreNotFinite) {
  model_.tensors["encoder.layer.1.intermediate.dense.weight"].values[7] =
      std::numeric_limits<float>::infinity();
  EXPECT_EQ(QuantizedBert::Create(Load(), *GetParam()).status(),
            absl::InvalidArgumentError("layer 1: a weight of intermediate is not finite"));
}

TEST_P(QuantizedEncoderTest, NamesTheSizeThatItDoesNotDo) {
  model_ = TinyBert(1, {.hidden = 8, .inner = 16});
  const auto network = QuantizedBert::Create(Load(), *GetParam());
  EXPECT_EQ(network.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(network.status().message(),
              HasSubstr("hidden size that is a multiple of 64; the model's is 8"));
}

INSTANTIATE_TEST_SUITE_P(Portable, QuantizedEncoderTest, testing::Values(&PortableInt8Kernels()));
INSTANTIATE_TEST_SUITE_P(Fast, QuantizedEncoderTest, testing::ValuesIn(EveryVectorInt8Kernels()));

EncoderUnderTest Tiny(const std::string& name, const Int8Kernels& kernels) {
  return {.name = name,
          .make =
              [&kernels] {
                const TinyBert model(1, {.hidden = kHidden, .inner = 128});
                auto files = LoadBertModelFiles(model.Write(TestDirectory("model"))).value();
                return MakeQuantizedEncoder(QuantizedBert::Create(std::move(files), kernels).value());
              },
          .tolerance = 0};
}

std::vector<EncoderUnderTest> EveryKind() {
  std::vector<EncoderUnderTest> kinds = {Tiny("portable", PortableInt8Kernels())};
  for (const Int8Kernels* const fast : EveryVectorInt8Kernels()) kinds.push_back(Tiny(fast->name, *fast));
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Tiny, EncoderContract, testing::ValuesIn(EveryKind()),
                         [](const auto& kind) { return kind.param.name; });

TensorView ViewOf(TensorType type, const std::vector<uint16_t>& bits) {
  return {type,
          {static_cast<int64_t>(bits.size())},
          reinterpret_cast<const std::byte*>(bits.data()),
          static_cast<int64_t>(bits.size() * 2)};
}

// One, minus two, the greatest, the least normal and the least of all.
TEST(TensorFloats, HalfPrecision) {
  EXPECT_THAT(FloatsOf(ViewOf(TensorType::kF16, {0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000})),
              testing::ElementsAre(1.0F, -2.0F, 65504.0F, 6.103515625e-05F, 5.9604644775390625e-08F, -0.0F));
}

TEST(TensorFloats, Bf16) {
  EXPECT_THAT(FloatsOf(ViewOf(TensorType::kBf16, {0x3f80, 0xc000, 0x0000})),
              testing::ElementsAre(1.0F, -2.0F, 0.0F));
}

}  // namespace
}  // namespace sluice
