// The encoder on a tiny random model: against a plain double-precision forward pass, and for what it refuses.
#include "core/inference/torch/torch_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/contract/encoder_contract.h"
#include "tests/core/inference/reference_pass.h"
#include "tests/core/inference/tiny_bert.h"
#include "tests/core/inference/torch/goldens.h"

namespace sluice {
namespace {

class TorchEncoderTest : public testing::Test {
 protected:
  std::shared_ptr<const BertModelFiles> Load() {
    auto files = LoadBertModelFiles(model_.Write(TestDirectory("model")));
    EXPECT_TRUE(files.ok()) << files.status();
    return *files;
  }

  void Replace(const std::string& file, const std::string& from, const std::string& to) {
    std::string& content = model_.files[file];
    content.replace(content.find(from), from.size(), to);
  }

  // All components of all vectors, against the reference.
  void ExpectAgreesWithReference() {
    const auto files = Load();
    const auto encoder = MakeTorchEncoder(files, {}).value();
    const ReferencePass reference(model_, files->config());
    const std::vector<std::vector<int32_t>> texts = {
        {1, 2, 3}, {49}, {5, 4, 3, 2, 1, 0, 9, 9, 9, 30}, {7, 8, 9}};
    const std::vector<absl::Span<const int32_t>> spans(texts.begin(), texts.end());
    std::vector<float> vectors(texts.size() * 8);
    ASSERT_EQ(encoder->Encode(spans, absl::MakeSpan(vectors)), absl::OkStatus());
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::vector<double> expected = reference.Encode(texts[i]);
      for (size_t d = 0; d < 8; ++d) EXPECT_NEAR(vectors[i * 8 + d], expected[d], 2e-5) << "text " << i;
    }
  }

  TinyBert model_;
};

TEST_F(TorchEncoderTest, AgreesWithThePaper) {
  ExpectAgreesWithReference();
}

TEST_F(TorchEncoderTest, ClsPoolingAndTanhGelu) {
  Replace("config.json", R"("gelu")", R"("gelu_new")");
  model_.files["1_Pooling/config.json"] = R"({"pooling_mode": "cls"})";
  ExpectAgreesWithReference();
}

TEST_F(TorchEncoderTest, MaxPoolingReluAndNoNormalising) {
  Replace("config.json", R"("gelu")", R"("relu")");
  Replace("modules.json", "models.Normalize", "models.Transformer");
  model_.files["1_Pooling/config.json"] = R"({"pooling_mode": "max"})";
  ExpectAgreesWithReference();
}

TEST_F(TorchEncoderTest, RobertaPositions) {
  Replace("config.json", R"("bert")", R"("roberta")");
  Replace("config.json", R"("pad_token_id": 0)", R"("pad_token_id": 1)");
  ExpectAgreesWithReference();
}

// Weights stored in bf16, at offsets that are not multiples of four, are read as what they are.
TEST_F(TorchEncoderTest, WeightsStoredInBf16) {
  for (auto& [name, tensor] : model_.tensors) {
    tensor.type = "BF16";
    for (float& value : tensor.values) {
      value = std::ldexp(std::nearbyint(std::ldexp(value, 5)), -5);  // seven bits: exact in bf16
    }
  }
  ExpectAgreesWithReference();
}

// A model whose weights overflow gives INTERNAL, never a vector that is not finite.
TEST_F(TorchEncoderTest, NonFiniteVectorsAreInternal) {
  model_.tensors["embeddings.LayerNorm.bias"].values[0] = std::numeric_limits<float>::infinity();
  const auto encoder = MakeTorchEncoder(Load(), {}).value();
  const std::vector<int32_t> ids = {1, 2, 3};
  const absl::Span<const int32_t> text = ids;
  std::vector<float> vector(8);
  const absl::Status status = encoder->Encode({&text, 1}, absl::MakeSpan(vector));
  EXPECT_EQ(status, absl::InternalError("the vector of text 0 is not finite"));
}

TEST_F(TorchEncoderTest, RefusesWhatTheDeviceCannotDo) {
  const auto files = Load();
  const auto code = [&](TorchEncoderOptions options) {
    return MakeTorchEncoder(files, options).status().code();
  };
  EXPECT_EQ(code({.precision = Precision::kFp16}), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code({.precision = Precision::kInt8}), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code({.device = DeviceType::kCuda, .device_index = 99}), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code({.threads = 0}), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.max_batch_tokens = 0}), absl::StatusCode::kInvalidArgument);
}

// A warmed encoder gives the same vectors as one that is not.
TEST_F(TorchEncoderTest, WarmingChangesNothing) {
  const auto files = Load();
  const auto cold = MakeTorchEncoder(files, {}).value();
  const auto warm = MakeTorchEncoder(files, {.max_batch_tokens = 256, .warm_ladder = true}).value();
  const std::vector<int32_t> ids = {1, 2, 3};
  const absl::Span<const int32_t> text = ids;
  std::vector<float> a(8), b(8);
  ASSERT_EQ(cold->Encode({&text, 1}, absl::MakeSpan(a)), absl::OkStatus());
  ASSERT_EQ(warm->Encode({&text, 1}, absl::MakeSpan(b)), absl::OkStatus());
  EXPECT_EQ(a, b);
}

// Two replicas that share their weights work at once and give what one alone gives.
TEST_F(TorchEncoderTest, ReplicasShareANetwork) {
  const auto network = LoadBertNetwork(Load(), {}).value();
  const std::vector<int32_t> ids = {1, 2, 3, 4, 5};
  std::vector<std::vector<float>> vectors(2, std::vector<float>(8));
  {
    std::vector<std::thread> replicas;
    for (std::vector<float>& vector : vectors) {
      replicas.emplace_back([&] {
        const auto encoder = MakeTorchEncoder(network, {}).value();
        const absl::Span<const int32_t> text = ids;
        for (int i = 0; i < 50; ++i)
          ASSERT_EQ(encoder->Encode({&text, 1}, absl::MakeSpan(vector)), absl::OkStatus());
      });
    }
    for (std::thread& replica : replicas) replica.join();
  }
  EXPECT_EQ(vectors[0], vectors[1]);
}

TEST(Torch, VersionIsTheLoadedLibrarys) {
  EXPECT_THAT(TorchVersion(), testing::StartsWith("2."));
}

EncoderUnderTest Tiny(const std::string& name, Precision precision, float tolerance) {
  return {.name = name,
          .make = [precision]() -> std::unique_ptr<Encoder> {
            auto files = LoadBertModelFiles(TinyBert().Write(TestDirectory("model")));
            return MakeTorchEncoder(*files, {.precision = precision}).value();
          },
          .tolerance = tolerance};
}

INSTANTIATE_TEST_SUITE_P(Tiny, EncoderContract,
                         testing::Values(Tiny("fp32", Precision::kFp32, 1e-5F),
                                         Tiny("bf16", Precision::kBf16, 2e-2F)),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace sluice
