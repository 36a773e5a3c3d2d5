// The fast kernels mean what the portable ones say, and the portable ones mean what their header says.
#include "core/inference/cpu/int8_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "core/inference/cpu/quantized_linear.h"
#include "tests/fakes/emulated_amx_kernels.h"

namespace sluice {
namespace {

using Floats = AlignedVector<float>;

class Random {
 public:
  explicit Random(uint32_t seed) : generator_(seed) {}

  Floats Normal(int64_t count, float deviation = 1) {
    std::normal_distribution<float> normal(0, deviation);
    Floats values(static_cast<size_t>(count));
    for (float& value : values) value = normal(generator_);
    return values;
  }

 private:
  std::mt19937 generator_;
};

struct Quantized {
  Quantized(const Int8Kernels& kernels, const Floats& x, int64_t rows)
      : columns(static_cast<int64_t>(x.size()) / rows),
        values((rows + kInt8RowsRead - 1) / kInt8RowsRead * kInt8RowsRead * columns),
        scales(rows),
        zeros(rows) {
    kernels.quantize(x.data(), rows, columns, View());
  }

  QuantizedRows View() { return {values.data(), scales.data(), zeros.data()}; }

  float At(int64_t row, int64_t column) const {
    return scales[row] * (static_cast<float>(values[row * columns + column]) - zeros[row]);
  }

  int64_t columns;
  AlignedVector<uint8_t> values;
  Floats scales, zeros;
};

void ExpectNear(const Floats& actual, const Floats& expected, float tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) ASSERT_NEAR(actual[i], expected[i], tolerance) << "at " << i;
}

// Half a step of the row's scale is all that is lost, and zero loses nothing.
TEST(PortableInt8Kernels, QuantizedRowsAreWithinHalfAStep) {
  Floats x = Random(1).Normal(3 * 64);
  for (int64_t i = 64; i < 128; ++i) x[i] = std::abs(x[i]) + 3;  // far from zero, on one side of it
  for (int64_t i = 128; i < 192; ++i) x[i] = 0;
  x[5] = 0;
  const Quantized rows(PortableInt8Kernels(), x, 3);
  for (int64_t i = 0; i < 192; ++i) {
    const int64_t row = i / 64;
    EXPECT_LE(std::abs(rows.At(row, i % 64) - x[i]), 0.501F * rows.scales[row]) << i;
  }
  EXPECT_EQ(rows.At(0, 5), 0);
}

TEST(PortableInt8Kernels, ProductIsThatOfTheMatrices) {
  constexpr int64_t kRows = 6, kInputs = 128, kOutputs = 64;
  Random random(2);
  const Floats x = random.Normal(kRows * kInputs);
  const Floats weight = random.Normal(kOutputs * kInputs, 0.1F);
  const Floats bias = random.Normal(kOutputs);
  AlignedVector<int8_t> panels(weight.size());
  const QuantizedLinear linear(weight, bias, kAnyWeightPair, absl::MakeSpan(panels));
  Quantized rows(PortableInt8Kernels(), x, kRows);
  Floats y(kRows * kOutputs);
  PortableInt8Kernels().product(rows.View(), kRows, linear.View(), Int8Epilogue::kStore, y.data());
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t output = 0; output < kOutputs; ++output) {
      float expected = bias[output];
      for (int64_t i = 0; i < kInputs; ++i) expected += x[row * kInputs + i] * weight[output * kInputs + i];
      EXPECT_NEAR(y[row * kOutputs + output], expected, 0.05F);
    }
  }
}

class FastInt8KernelsTest : public testing::TestWithParam<const Int8Kernels*> {
 protected:
  static const Int8Kernels& Fast() { return *GetParam(); }
  // What values about 1 lose in bf16, and in integers with one scale for the head.
  static float AttentionTolerance() { return std::strstr(Fast().name, "amx") != nullptr ? 0.02F : 4e-3F; }

  // Both kinds on the same random rows and weights.
  static void ExpectSameProduct(Int8Epilogue epilogue, int64_t rows, int64_t inputs, int64_t outputs) {
    Random random(3);
    AlignedVector<int8_t> panels(static_cast<size_t>(outputs * inputs));
    const QuantizedLinear linear(random.Normal(outputs * inputs, 0.1F), random.Normal(outputs),
                                 Fast().greatest_weight_pair, absl::MakeSpan(panels));
    Quantized x(PortableInt8Kernels(), random.Normal(rows * inputs), rows);
    Floats expected = random.Normal(rows * outputs);
    Floats actual = expected;
    PortableInt8Kernels().product(x.View(), rows, linear.View(), epilogue, expected.data());
    Fast().product(x.View(), rows, linear.View(), epilogue, actual.data());
    ExpectNear(actual, expected, 1e-4F);
  }

  static Floats Attend(const Int8Kernels& kernels, const Floats& query_key_value, int64_t length,
                       int64_t heads, int64_t head_size) {
    Floats merged(length * heads * head_size), scratch(AttentionScratch(length, head_size));
    kernels.attend({query_key_value.data(), length, heads, head_size, merged.data(), scratch.data()});
    return merged;
  }
};

TEST_P(FastInt8KernelsTest, QuantizeTheSame) {
  Floats x = Random(4).Normal(5 * 384, 3);
  for (int64_t i = 0; i < 384; ++i) x[i] = 0;
  for (int64_t i = 384; i < 768; ++i) x[i] = -std::abs(x[i]) - 1;
  const Quantized expected(PortableInt8Kernels(), x, 5), actual(Fast(), x, 5);
  EXPECT_EQ(actual.scales, expected.scales);
  EXPECT_EQ(actual.zeros, expected.zeros);
  int64_t moved = 0;  // by one: the fast ones multiply by the inverse of the scale
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_LE(std::abs(actual.values[i] - expected.values[i]), 1);
    moved += actual.values[i] != expected.values[i];
  }
  EXPECT_LE(moved, 5);
}

TEST_P(FastInt8KernelsTest, MultiplyTheSame) {
  for (const Int8Epilogue epilogue : {Int8Epilogue::kStore, Int8Epilogue::kAdd, Int8Epilogue::kGelu,
                                      Int8Epilogue::kGeluTanh, Int8Epilogue::kRelu})
    ExpectSameProduct(epilogue, 12, 64, 128);
  for (const int64_t rows : {18, 30, 36, 48, 54, 96}) ExpectSameProduct(Int8Epilogue::kAdd, rows, 128, 64);
  ExpectSameProduct(Int8Epilogue::kStore, 6, 1536, 384);
}

// Rows of zeros, so that what is activated is the bias: near zero, where polynomials join their bounds, and
// far out, where gelu is its argument or nothing.
TEST_P(FastInt8KernelsTest, ActivateAnyArgument) {
  constexpr int64_t kOutputs = 4096;
  Floats bias(kOutputs);
  for (int64_t i = 0; i < kOutputs; ++i) bias[i] = static_cast<float>(i - kOutputs / 2) / 128;
  AlignedVector<int8_t> panels(kOutputs * 64);
  const QuantizedLinear linear(Floats(kOutputs * 64, 1.0F), bias, Fast().greatest_weight_pair,
                               absl::MakeSpan(panels));
  Quantized x(PortableInt8Kernels(), Floats(kInt8RowStep * 64), kInt8RowStep);
  for (const Int8Epilogue epilogue : {Int8Epilogue::kGelu, Int8Epilogue::kGeluTanh, Int8Epilogue::kRelu}) {
    Floats expected(kInt8RowStep * kOutputs), actual(expected.size());
    PortableInt8Kernels().product(x.View(), kInt8RowStep, linear.View(), epilogue, expected.data());
    Fast().product(x.View(), kInt8RowStep, linear.View(), epilogue, actual.data());
    ExpectNear(actual, expected, 8e-5F);
  }
}

TEST_P(FastInt8KernelsTest, NormalizeTheSame) {
  Random random(5);
  const Floats scale = random.Normal(384), shift = random.Normal(384);
  Floats expected = random.Normal(7 * 384, 4);
  Floats actual = expected;
  PortableInt8Kernels().layer_norm(expected.data(), 7, 384, {scale.data(), shift.data(), 1e-12F});
  Fast().layer_norm(actual.data(), 7, 384, {scale.data(), shift.data(), 1e-12F});
  ExpectNear(actual, expected, 2e-5F);
}

// Lengths around every step of the kernels: vectors of 16 and 8, blocks of 12, 8 and 4 queries, panels of 64
// keys, sums over 512.
TEST_P(FastInt8KernelsTest, AttendTheSame) {
  for (const int64_t head_size : {32, 64, 96}) {
    for (const int64_t length :
         {1, 2, 4, 5, 8, 9, 11, 12, 13, 15, 16, 17, 20, 33, 48, 49, 63, 64, 65, 130, 513, 1030}) {
      const Floats query_key_value = Random(6).Normal(length * 3 * 2 * head_size);
      SCOPED_TRACE(testing::Message() << length << " tokens, heads of " << head_size);
      ExpectNear(Attend(Fast(), query_key_value, length, 2, head_size),
                 Attend(PortableInt8Kernels(), query_key_value, length, 2, head_size), AttentionTolerance());
    }
  }
}

// Scores far apart neither overflow nor lose the weights of the rest: each result is between the least and
// the greatest value, and with equal keys it is their mean.
TEST_P(FastInt8KernelsTest, AttendToScoresOfAnySize) {
  Floats query_key_value = Random(7).Normal(40 * 3 * 32, 60);
  const Floats merged = Attend(Fast(), query_key_value, 40, 1, 32);
  for (int64_t column = 0; column < 32; ++column) {
    float least = INFINITY, greatest = -INFINITY;
    for (int64_t row = 0; row < 40; ++row) {
      least = std::min(least, query_key_value[row * 96 + 64 + column]);
      greatest = std::max(greatest, query_key_value[row * 96 + 64 + column]);
    }
    for (int64_t row = 0; row < 40; ++row) {
      EXPECT_GE(merged[row * 32 + column], least - 0.5F);
      EXPECT_LE(merged[row * 32 + column], greatest + 0.5F);
    }
  }
  for (int64_t row = 0; row < 40; ++row)
    for (int64_t column = 32; column < 64; ++column) query_key_value[row * 96 + column] = 3e3F;
  const Floats mean = Attend(Fast(), query_key_value, 40, 1, 32);
  for (int64_t column = 0; column < 32; ++column) {
    float expected = 0;
    for (int64_t row = 0; row < 40; ++row) expected += query_key_value[row * 96 + 64 + column] / 40;
    EXPECT_NEAR(mean[column], expected, 0.3F);
  }
}

// The greatest scores of either sign decide, and the greatest values sum up to themselves: all queries, keys
// and values are as far from zero as any.
TEST_P(FastInt8KernelsTest, AttendWithTheGreatestSums) {
  for (const int64_t head_size : {32, 64, 96, 128, 160, 512}) {
    for (const int64_t length : {2, 3, 63, 64, 65, 128, 256, 511, 512, 513, 1024}) {
      SCOPED_TRACE(testing::Message() << length << " tokens, heads of " << head_size);
      Floats query_key_value(length * 3 * head_size, 1.0F);
      ExpectNear(Attend(Fast(), query_key_value, length, 1, head_size), Floats(length * head_size, 1.0F),
                 AttentionTolerance());
      Floats large(query_key_value);  // scores of which a float keeps no fraction
      for (int64_t row = 0; row < length; ++row)
        std::fill_n(large.data() + row * 3 * head_size, 2 * head_size, 1.2345e4F);
      ExpectNear(Attend(Fast(), large, length, 1, head_size), Floats(length * head_size, 1.0F),
                 AttentionTolerance());
      for (int64_t row = 1; row < length; row += 2) {
        float* const key = query_key_value.data() + (row * 3 + 1) * head_size;
        std::fill_n(key, 2 * head_size, -1.0F);
      }
      const float unlike = std::exp(-2 * std::sqrt(static_cast<float>(head_size)));
      const float odd = static_cast<float>(length / 2) * unlike, even = static_cast<float>((length + 1) / 2);
      ExpectNear(Attend(Fast(), query_key_value, length, 1, head_size),
                 Floats(length * head_size, (even - odd) / (even + odd)), AttentionTolerance());
    }
  }
}

// What most keys of a long text weigh together counts, though each of them is nothing beside the greatest: as
// where all queries look at one separator.
TEST_P(FastInt8KernelsTest, AttendToAllOthersBesideOne) {
  constexpr int64_t kHeadSize = 32;
  for (const float difference : {4.0F, 6.0F, 8.0F, 8.5F, 9.0F}) {
    for (const int64_t length : {64, 200, 256, 257, 512, 1030, 2048}) {
      SCOPED_TRACE(testing::Message() << length << " tokens, one " << difference << " above the others");
      Floats query_key_value(length * 3 * kHeadSize, 1.0F);
      for (int64_t row = 0; row < length; ++row) {
        float* const key = query_key_value.data() + (row * 3 + 1) * kHeadSize;
        std::fill_n(key, kHeadSize, row == 3 ? difference / std::sqrt(static_cast<float>(kHeadSize)) : 0.0F);
        if (row == 3) std::fill_n(key + kHeadSize, kHeadSize, 0.0F);
      }
      const float others = static_cast<float>(length - 1) * std::exp(-difference);
      const float expected = others / (1 + others);
      ExpectNear(Attend(Fast(), query_key_value, length, 1, kHeadSize), Floats(length * kHeadSize, expected),
                 0.15F * expected);
    }
  }
}

TEST_P(FastInt8KernelsTest, AttendLosesNothingThatIsNotFinite) {
  for (const float what : {NAN, INFINITY, -INFINITY}) {
    for (const int which : {0, 1, 2}) {
      Floats query_key_value = Random(8).Normal(20 * 3 * 32);
      query_key_value[17 * 96 + 32 * which + 5] = what;
      const Floats merged = Attend(Fast(), query_key_value, 20, 1, 32);
      EXPECT_FALSE(std::isfinite(merged[17 * 32 + 5])) << which << " is " << what;
    }
  }
}

TEST_P(FastInt8KernelsTest, AgreeWithThePortableOnes) {
  EXPECT_TRUE(Int8KernelsAgree(Fast(), PortableInt8Kernels()));
}

// What a processor computes wrongly is found before it is used.
TEST(Int8KernelsAgree, NotWithWrongOnes) {
  Int8Kernels wrong = PortableInt8Kernels();
  wrong.attend = [](const AttentionText& text) {
    PortableInt8Kernels().attend(text);
    text.merged[text.length * text.heads * text.head_size - 1] += 0.1F;
  };
  EXPECT_FALSE(Int8KernelsAgree(wrong, PortableInt8Kernels()));
  wrong = PortableInt8Kernels();
  wrong.product = [](QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
                     float* y) {
    PortableInt8Kernels().product(x, rows, weights, epilogue, y);
    y[rows * weights.outputs - 1] = NAN;
  };
  EXPECT_FALSE(Int8KernelsAgree(wrong, PortableInt8Kernels()));
}

// The greatest sums there are: each pair of products at its bound, of either sign, and one of a pair alone.
TEST_P(FastInt8KernelsTest, MultiplyTheGreatestBytesTheSame) {
  constexpr int64_t kInputs = 1536, kOutputs = 64;
  Floats x(kInt8RowStep * kInputs, 1.0F), weight(kOutputs * kInputs, 1.0F), bias(kOutputs);
  for (int64_t i = 0; i < kInputs; ++i) {
    weight[kInputs + i] = -1;
    weight[2 * kInputs + i] = i % 2 == 0 ? 1.0F : 0.0F;
  }
  AlignedVector<int8_t> panels(weight.size());
  const QuantizedLinear linear(weight, bias, Fast().greatest_weight_pair, absl::MakeSpan(panels));
  Quantized rows(PortableInt8Kernels(), x, kInt8RowStep);
  ASSERT_EQ(rows.values[0], 255);
  Floats expected(kInt8RowStep * kOutputs), actual(expected.size());
  PortableInt8Kernels().product(rows.View(), kInt8RowStep, linear.View(), Int8Epilogue::kStore,
                                expected.data());
  Fast().product(rows.View(), kInt8RowStep, linear.View(), Int8Epilogue::kStore, actual.data());
  EXPECT_NEAR(expected[0], kInputs, 0.01F * kInputs);
  EXPECT_NEAR(expected[1], -kInputs, 0.01F * kInputs);
  EXPECT_NEAR(expected[2], kInputs / 2, 0.01F * kInputs);
  ExpectNear(actual, expected, 1e-3F);
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FastInt8KernelsTest);
INSTANTIATE_TEST_SUITE_P(Each, FastInt8KernelsTest, testing::ValuesIn(EveryVectorInt8Kernels()),
                         [](const auto& kernels) { return kernels.param->name; });

}  // namespace
}  // namespace sluice
