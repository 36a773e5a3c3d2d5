// The encoder against sentence-transformers, on the model that SLUICE_MODEL names.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <random>

#include "absl/algorithm/container.h"
#include "core/inference/cpu/quantized_bert.h"
#include "core/inference/torch/torch_encoder.h"
#include "tests/core/inference/torch/goldens.h"
#include "tests/fakes/emulated_amx_kernels.h"

namespace sluice {
namespace {

using Texts = std::vector<absl::Span<const int32_t>>;

class TorchGolden : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const char* model = std::getenv("SLUICE_MODEL");
    if (model == nullptr || *model == '\0') return;
    files_ = new std::shared_ptr<const BertModelFiles>(LoadBertModelFiles(model).value());
    goldens_ = new Goldens(ReadGoldens("tests/golden/encoder_goldens.bin"));
  }
  static void TearDownTestSuite() {
    delete files_;
    delete goldens_;
  }
  void SetUp() override {
    if (files_ == nullptr) GTEST_SKIP() << "SLUICE_MODEL is not set";
  }

  static std::unique_ptr<Encoder> Make(Precision precision) {
    return MakeTorchEncoder(*files_, {.precision = precision, .threads = 2}).value();
  }

  // The vectors of the golden texts, `batch` at a time in the given order, at their own places.
  static std::vector<float> EncodeAll(Encoder& encoder, const std::vector<size_t>& order, size_t batch) {
    std::vector<float> all(goldens_->vectors.size());
    const size_t dimensions = goldens_->dimensions;
    for (size_t begin = 0; begin < order.size(); begin += batch) {
      const size_t end = std::min(begin + batch, order.size());
      Texts texts;
      for (size_t i = begin; i < end; ++i) texts.emplace_back(goldens_->texts[order[i]]);
      std::vector<float> vectors(texts.size() * dimensions);
      EXPECT_EQ(encoder.Encode(texts, absl::MakeSpan(vectors)), absl::OkStatus());
      for (size_t i = begin; i < end; ++i) {
        std::copy_n(&vectors[(i - begin) * dimensions], dimensions, &all[order[i] * dimensions]);
      }
    }
    return all;
  }

  static std::vector<size_t> Shuffled(uint32_t seed) {
    std::vector<size_t> order(goldens_->texts.size());
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937(seed));
    return order;
  }

  static bool HasBf16Instructions() {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512bf16");
#else
    return true;
#endif
  }

  static double WorstCosine(const std::vector<float>& vectors, const std::vector<size_t>& texts) {
    double worst = 1;
    for (const size_t i : texts) {
      const absl::Span<const float> vector(&vectors[i * goldens_->dimensions], goldens_->dimensions);
      worst = std::min(worst, Cosine(vector, goldens_->Vector(i)));
    }
    return worst;
  }

  // Of the texts in `order`.
  static double MeanCosine(const std::vector<float>& vectors, absl::Span<const size_t> order) {
    double sum = 0;
    for (const size_t i : order) {
      const absl::Span<const float> vector(&vectors[i * goldens_->dimensions], goldens_->dimensions);
      sum += Cosine(vector, goldens_->Vector(i));
    }
    return sum / static_cast<double>(order.size());
  }

  static std::shared_ptr<const BertModelFiles>* files_;
  static Goldens* goldens_;
};

std::shared_ptr<const BertModelFiles>* TorchGolden::files_ = nullptr;
Goldens* TorchGolden::goldens_ = nullptr;

TEST_F(TorchGolden, DescribesTheModel) {
  const EncoderDescription description = DescribeModel(**files_);
  EXPECT_EQ(description.dimensions, 384);
  EXPECT_EQ(description.max_tokens, 256);
  EXPECT_EQ(description.vocabulary_size, 30522);
  EXPECT_EQ(description.model_digest.size(), 64u);
  EXPECT_EQ(goldens_->texts.size(), 500u);
}

// fp32 agrees with the reference on every text, and its vectors are of unit length.
TEST_F(TorchGolden, Fp32AgreesWithSentenceTransformers) {
  const auto encoder = Make(Precision::kFp32);
  const std::vector<size_t> order = Shuffled(1);
  const std::vector<float> vectors = EncodeAll(*encoder, order, 8);
  EXPECT_GE(WorstCosine(vectors, order), 0.99999);
  for (size_t i = 0; i < goldens_->texts.size(); ++i) {
    const float* const vector = &vectors[i * 384];
    EXPECT_NEAR(std::inner_product(vector, vector + 384, vector, 0.0), 1.0, 1e-5) << "text " << i;
  }
}

// bf16 agrees too. A processor without bf16 instructions takes minutes over 500 texts and does every tenth.
TEST_F(TorchGolden, Bf16AgreesWithSentenceTransformers) {
  const auto encoder = Make(Precision::kBf16);
  std::vector<size_t> order = Shuffled(2);
  if (!HasBf16Instructions()) order.resize(order.size() / 10);
  EXPECT_GE(WorstCosine(EncodeAll(*encoder, order, 8), order), 0.999);
}

// int8 is less exact; docs/quality.md says what that does to rankings. Here: no text is far off, and most are
// near.
TEST_F(TorchGolden, Int8IsNearSentenceTransformers) {
  const std::vector<const Int8Kernels*> kinds = EveryVectorInt8Kernels();
  if (kinds.empty()) GTEST_SKIP() << "this processor has no fast int8 kernels";
  for (const Int8Kernels* const kernels : kinds) {
    SCOPED_TRACE(kernels->name);
    const auto encoder = MakeQuantizedEncoder(QuantizedBert::Create(*files_, *kernels).value());
    std::vector<size_t> order = Shuffled(5);
    const bool chosen_here = absl::c_linear_search(FastInt8Kernels(), kernels);
    if (!chosen_here) order.resize(order.size() / 10);  // those, some emulated, are slow
    const std::vector<float> vectors = EncodeAll(*encoder, order, 8);
    EXPECT_GE(WorstCosine(vectors, order), 0.99);
    EXPECT_GE(MeanCosine(vectors, order), 0.998);
  }
}

// A text's vector is the same alone, among 8 and among 37 others.
TEST_F(TorchGolden, VectorsDoNotDependOnTheBatch) {
  const auto encoder = Make(Precision::kFp32);
  std::vector<size_t> order = Shuffled(3);
  order.resize(80);
  const std::vector<float> alone = EncodeAll(*encoder, order, 1);
  for (const size_t batch : {8, 37}) {
    std::shuffle(order.begin(), order.end(), std::mt19937(4));
    const std::vector<float> together = EncodeAll(*encoder, order, batch);
    float worst = 0;
    for (size_t i = 0; i < alone.size(); ++i) worst = std::max(worst, std::abs(alone[i] - together[i]));
    EXPECT_LE(worst, 1e-5F) << "batches of " << batch;
  }
}

}  // namespace
}  // namespace sluice
