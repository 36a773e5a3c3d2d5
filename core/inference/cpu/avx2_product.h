// Avx2Product: Int8Kernels::product on 16 registers of 32 bytes. For sources compiled for AVX2 with FMA only:
// see vector_math.h.
//
// What sums up products of bytes is a parameter, `Dot`, with
//   Weights, At(from)          32 weights that stand in memory, or are loaded from there
//   Add(sum, bytes, weights)   sum[i] += the sum over k of bytes[4 i + k] weights[4 i + k]: sum eight int32,
//                              bytes unsigned, weights signed
#pragma once

#include <cstdint>

#include "core/inference/cpu/avx2_vector.h"
#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/vector_math.h"

namespace sluice {

// Tiles of six rows and 16 outputs: 12 sums stay in registers, and the outputs' weights in a near cache while
// the rows go by.
template <typename Dot>
class Avx2Product {
 public:
  static void Run(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
                  float* y) {
    WithEpilogue(epilogue, [&]<Int8Epilogue kind>() {
      for (int64_t output = 0; output < weights.outputs; output += kOutputs) {
        for (int64_t row = 0; row < rows; row += kRows) Tile<kind>(x, row, weights, output, y);
      }
    });
  }

 private:
  using Integers = Avx2::Integers;
  static constexpr int kRows = kInt8RowStep;
  static constexpr int kVectors = 2;
  static constexpr int64_t kOutputs = kVectors * Avx2::kLanes;
  // A panel's lines of the same outputs share few sets of the first cache, and lose their places there.
  static constexpr int64_t kAhead = 8 * 4 * kInt8PanelWidth;

  template <Int8Epilogue epilogue>
  static void Tile(QuantizedRows x, int64_t row, const QuantizedWeights& weights, int64_t output, float* y) {
    Integers sums[kRows][kVectors];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int c = 0; c < kVectors; ++c) sums[r][c] = _mm256_setzero_si256();
    }
    const int64_t inputs = weights.inputs;
    const uint8_t* values = x.values + row * inputs;
    const int64_t in_panel = output % kInt8PanelWidth;
    const int8_t* panel = weights.panels + (output - in_panel) * inputs + in_panel * 4;
    for (int64_t k = 0; k < inputs; k += 4, values += 4, panel += 4 * kInt8PanelWidth) {
      typename Dot::Weights columns[kVectors];
#pragma GCC unroll 2
      for (int c = 0; c < kVectors; ++c) columns[c] = Dot::At(panel + c * sizeof(Integers));
      _mm_prefetch(panel + kAhead, _MM_HINT_T0);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        int32_t four_values;
        __builtin_memcpy(&four_values, values + r * inputs, sizeof(four_values));
        const Integers bytes = _mm256_set1_epi32(four_values);
#pragma GCC unroll 2
        for (int c = 0; c < kVectors; ++c) Dot::Add(sums[r][c], bytes, columns[c]);
      }
    }
#pragma GCC unroll 2
    for (int c = 0; c < kVectors; ++c) {
      const int64_t column = output + c * Avx2::kLanes;
      const OutputTerms<Avx2> terms(weights, column);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r)
        Finish<Avx2, epilogue>(sums[r][c], x.zeros[row + r], x.scales[row + r], terms,
                               y + (row + r) * weights.outputs + column);
    }
  }
};

}  // namespace sluice
