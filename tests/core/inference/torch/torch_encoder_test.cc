// The encoder on a tiny random model: against a plain double-precision forward pass, and for what it refuses.
#include "core/inference/torch/torch_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/contract/encoder_contract.h"
#include "tests/core/inference/tiny_bert.h"
#include "tests/core/inference/torch/goldens.h"

namespace sluice {
namespace {

using Matrix = std::vector<std::vector<double>>;

// The forward pass as the paper writes it, one text, no packing, in double precision.
class ReferencePass {
 public:
  ReferencePass(const TinyBert& model, const BertConfig& config) : model_(model), config_(config) {}

  std::vector<double> Encode(const std::vector<int32_t>& text) const {
    Matrix x;
    for (size_t i = 0; i < text.size(); ++i) {
      std::vector<double> row = Row("embeddings.word_embeddings.weight", text[i]);
      Add(row,
          Row("embeddings.position_embeddings.weight", static_cast<int64_t>(i) + config_.position_offset));
      Add(row, Row("embeddings.token_type_embeddings.weight", 0));
      x.push_back(row);
    }
    Norm(x, "embeddings.LayerNorm");
    for (int64_t i = 0; i < config_.layers; ++i) Layer(x, absl::StrCat("encoder.layer.", i, "."));
    return Pool(x);
  }

 private:
  const std::vector<float>& Values(const std::string& name) const { return model_.tensors.at(name).values; }

  std::vector<double> Row(const std::string& name, int64_t row) const {
    const auto begin = Values(name).begin() + row * config_.hidden_size;
    return std::vector<double>(begin, begin + config_.hidden_size);
  }

  static void Add(std::vector<double>& a, const std::vector<double>& b) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  }

  void Norm(Matrix& x, const std::string& name) const {
    for (auto& row : x) {
      double mean = 0, variance = 0;
      for (const double v : row) mean += v / static_cast<double>(row.size());
      for (const double v : row) variance += (v - mean) * (v - mean) / static_cast<double>(row.size());
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] =
            (row[i] - mean) / std::sqrt(variance + config_.layer_norm_epsilon) * Values(name + ".weight")[i] +
            Values(name + ".bias")[i];
      }
    }
  }

  Matrix Linear(const Matrix& x, const std::string& name) const {
    const auto& weight = Values(name + ".weight");
    const auto& bias = Values(name + ".bias");
    Matrix y;
    for (const auto& row : x) {
      std::vector<double> out(bias.begin(), bias.end());
      for (size_t o = 0; o < out.size(); ++o) {
        for (size_t i = 0; i < row.size(); ++i) out[o] += row[i] * weight[o * row.size() + i];
      }
      y.push_back(out);
    }
    return y;
  }

  double Activate(double v) const {
    switch (config_.activation) {
      case Activation::kGelu:
        return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)));
      case Activation::kGeluTanh:
        return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
      case Activation::kRelu:
        return std::max(v, 0.0);
    }
    return 0;
  }

  void Layer(Matrix& x, const std::string& layer) const {
    AddAll(x, Linear(Attention(x, layer + "attention.self."), layer + "attention.output.dense"));
    Norm(x, layer + "attention.output.LayerNorm");
    Matrix inner = Linear(x, layer + "intermediate.dense");
    for (auto& row : inner) {
      for (double& v : row) v = Activate(v);
    }
    AddAll(x, Linear(inner, layer + "output.dense"));
    Norm(x, layer + "output.LayerNorm");
  }

  static void AddAll(Matrix& a, const Matrix& b) {
    for (size_t i = 0; i < a.size(); ++i) Add(a[i], b[i]);
  }

  Matrix Attention(const Matrix& x, const std::string& self) const {
    const Matrix q = Linear(x, self + "query"), k = Linear(x, self + "key"), v = Linear(x, self + "value");
    const auto size = static_cast<size_t>(config_.hidden_size / config_.heads);
    Matrix out(x.size(), std::vector<double>(config_.hidden_size));
    for (size_t head = 0; head < static_cast<size_t>(config_.heads) * size; head += size) {
      for (size_t i = 0; i < x.size(); ++i) {
        std::vector<double> weight(x.size());
        double sum = 0;
        for (size_t j = 0; j < x.size(); ++j) {
          for (size_t d = head; d < head + size; ++d) weight[j] += q[i][d] * k[j][d];
          sum += weight[j] = std::exp(weight[j] / std::sqrt(static_cast<double>(size)));
        }
        for (size_t j = 0; j < x.size(); ++j) {
          for (size_t d = head; d < head + size; ++d) out[i][d] += weight[j] / sum * v[j][d];
        }
      }
    }
    return out;
  }

  std::vector<double> Pool(const Matrix& x) const {
    std::vector<double> vector = x[0];
    for (size_t i = 1; i < x.size() && config_.pooling != Pooling::kCls; ++i) {
      for (size_t d = 0; d < vector.size(); ++d) {
        vector[d] = config_.pooling == Pooling::kMax ? std::max(vector[d], x[i][d]) : vector[d] + x[i][d];
      }
    }
    double square = 0;
    for (double& v : vector) {
      if (config_.pooling == Pooling::kMean) v /= static_cast<double>(x.size());
      square += v * v;
    }
    for (double& v : vector) v /= config_.normalise ? std::sqrt(square) : 1;
    return vector;
  }

  const TinyBert& model_;
  const BertConfig& config_;
};

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
