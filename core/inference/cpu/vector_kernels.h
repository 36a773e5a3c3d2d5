// VectorKernels: what Int8Kernels do besides products, on vectors V (avx512_vector.h, avx2_vector.h):
// attention in integers, the rest in fp32. For sources compiled for one kind of processor only: see
// vector_math.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/vector_attention.h"
#include "core/inference/cpu/vector_math.h"

namespace sluice {

template <typename V>
class VectorKernels {
 public:
  static void Quantize(const float* x, int64_t rows, int64_t columns, QuantizedRows out) {
    for (int64_t row = 0; row < rows; ++row, x += columns) {
      const Range of_row = RangeOf(x, columns);
      const float range = (of_row.high - of_row.low) / 255;
      const float scale = range > 1e-30F ? range : 1e-30F;
      const int zero = _mm_cvtss_si32(_mm_set_ss(-of_row.low / scale));
      out.scales[row] = scale + of_row.poison;
      out.zeros[row] = static_cast<float>(zero);
      const Floats inverse = V::Set(1 / scale);
      const auto zeros = V::SetShorts(static_cast<int16_t>(zero));
      for (int64_t i = 0; i < columns; i += kStep) {
        Floats scaled[kTogether];
#pragma GCC unroll 4
        for (int c = 0; c < kTogether; ++c) scaled[c] = V::Load(x + i + c * kLanes) * inverse;
        V::StoreBytes(scaled, zeros, out.values + row * columns + i);
      }
    }
  }

  static void Normalize(float* x, int64_t rows, int64_t columns, const LayerNormView& norm) {
    const float share = 1.0F / static_cast<float>(columns);
    for (int64_t row = 0; row < rows; ++row, x += columns) {
      Floats sums[kTogether], squares[kTogether];
#pragma GCC unroll 4
      for (int c = 0; c < kTogether; ++c) sums[c] = squares[c] = V::Set(0);
      for (int64_t i = 0; i < columns; i += kStep) {
#pragma GCC unroll 4
        for (int c = 0; c < kTogether; ++c) sums[c] = sums[c] + V::Load(x + i + c * kLanes);
      }
      const Floats mean = V::Set(Sum(sums) * share);
      for (int64_t i = 0; i < columns; i += kStep) {
#pragma GCC unroll 4
        for (int c = 0; c < kTogether; ++c) {
          const Floats centred = V::Load(x + i + c * kLanes) - mean;
          squares[c] = V::MultiplyAdd(centred, centred, squares[c]);
        }
      }
      const Floats variance = V::Set(Sum(squares) * share + norm.epsilon);
      const Floats inverse = V::Set(1) / V::Sqrt(variance);
      for (int64_t i = 0; i < columns; i += kLanes) {
        const Floats scaled = (V::Load(x + i) - mean) * inverse;
        V::Store(x + i, V::MultiplyAdd(scaled, V::Load(norm.scale + i), V::Load(norm.shift + i)));
      }
    }
  }

  static void Attend(const AttentionText& text) {
    for (int64_t head = 0; head < text.heads; ++head) AttentionHead<V>(text, head).Run();
  }

  static constexpr Int8Kernels With(const char* name, int greatest_weight_pair,
                                    decltype(Int8Kernels::product) product) {
    return {name, greatest_weight_pair, kFeedBlock, Quantize, product, Normalize, Attend};
  }

 private:
  using Floats = typename V::Floats;
  static constexpr FeedBlock kFeedBlock = {.rows = 192, .columns = 384};
  static_assert(kFeedBlock.IsValid());
  static constexpr int64_t kLanes = V::kLanes;
  static constexpr int kTogether = 4;  // vectors whose sums go side by side, as none waits for the one before
  static constexpr int64_t kStep = kTogether * kLanes;

  // Minimum and maximum lose a NaN; times zero and summed up, what is not finite stays.
  struct Range {
    float low, high, poison;
  };

  static Range RangeOf(const float* x, int64_t columns) {
    Floats low[kTogether], high[kTogether], poison[kTogether];
#pragma GCC unroll 4
    for (int c = 0; c < kTogether; ++c) low[c] = high[c] = poison[c] = V::Set(0);
    for (int64_t i = 0; i < columns; i += kStep) {
#pragma GCC unroll 4
      for (int c = 0; c < kTogether; ++c) {
        const Floats part = V::Load(x + i + c * kLanes);
        low[c] = V::Min(low[c], part);
        high[c] = V::Max(high[c], part);
        poison[c] = V::MultiplyAdd(part, V::Set(0), poison[c]);
      }
    }
    return {V::Least(V::Min(V::Min(low[0], low[1]), V::Min(low[2], low[3]))),
            V::Greatest(V::Max(V::Max(high[0], high[1]), V::Max(high[2], high[3]))), Sum(poison)};
  }

  static float Sum(const Floats (&parts)[kTogether]) {
    return V::Sum((parts[0] + parts[1]) + (parts[2] + parts[3]));
  }
};

}  // namespace sluice
