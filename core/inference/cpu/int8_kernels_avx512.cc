// Compiled for AVX-512 with VNNI whatever the rest is compiled for, so that no inline function of a library's
// header may be instantiated here: the linker could keep that copy for the whole program.
#include "core/inference/cpu/int8_kernels_avx512.h"

#include <cstdint>

#include "core/inference/cpu/avx512_vector.h"
#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/vector_kernels.h"
#include "core/inference/cpu/vector_math.h"

namespace sluice {
namespace {

using Integers = Avx512::Integers;

constexpr int64_t kLanes = Avx512::kLanes;
constexpr int kRows = kInt8RowStep;
constexpr int kPanelVectors = kInt8PanelWidth / kLanes;

// The instruction by hand: with the intrinsic, gcc 12 copies all accumulators through memory, at half the
// speed.
inline void Accumulate(Integers& sum, Integers bytes, Integers weights) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(bytes), "v"(weights));
}

constexpr int64_t kLine = 64;  // bytes of a cache line: inputs of a row; and so many lines hold their weights

// The lines [begin, end) of every 64 of a panel: what one step down the rows fetches of the next panel into
// the second cache. Left to itself, a processor does so only once the first of a page has been missed.
struct PanelShare {
  const int8_t* panel;
  int64_t begin, end;
};

inline void FetchLines(PanelShare share, int64_t line) {
  const int8_t* const lines = share.panel + line * kLine * kInt8PanelWidth;
  for (int64_t i = share.begin; i < share.end; ++i) _mm_prefetch(lines + i * kLine, _MM_HINT_T1);
}

// For writing, which the intrinsics offer only with a further compile option.
inline void FetchOutputs(const float* y) {
#pragma GCC unroll 8
  for (int c = 0; c < kPanelVectors; ++c) asm volatile("prefetchw %0" ::"m"(y[c * kLanes]));
}

// kRows rows by one panel; 24 sums stay in registers. Loads per step: 4 of weights, 6 broadcast, for 24
// products.
template <Int8Epilogue epilogue>
inline void ProductTile(QuantizedRows x, int64_t row, const QuantizedWeights& weights, int64_t output,
                        PanelShare next, float* y) {
  Integers sums[kRows][kPanelVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < kPanelVectors; ++c) sums[r][c] = _mm512_setzero_si512();
  }
  float* const to = y + row * weights.outputs + output;
  const uint8_t* values = x.values + row * weights.inputs;
  const int8_t* panel = weights.panels + output * weights.inputs;
  for (int64_t line = 0; line < weights.inputs / kLine; ++line) {
    FetchLines(next, line);
    if (line < kRows) FetchOutputs(to + line * weights.outputs);
#pragma GCC unroll 2
    for (int64_t k = 0; k < kLine; k += 4, values += 4, panel += 4 * kInt8PanelWidth) {
      Integers columns[kPanelVectors];
#pragma GCC unroll 8
      for (int c = 0; c < kPanelVectors; ++c) columns[c] = _mm512_loadu_si512(panel + c * kLine);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        int32_t four_values;
        __builtin_memcpy(&four_values, values + r * weights.inputs, sizeof(four_values));
        const Integers bytes = _mm512_set1_epi32(four_values);
#pragma GCC unroll 8
        for (int c = 0; c < kPanelVectors; ++c) Accumulate(sums[r][c], bytes, columns[c]);
      }
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < kPanelVectors; ++c) {
    const OutputTerms<Avx512> terms(weights, output + c * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r)
      Finish<Avx512, epilogue>(sums[r][c], x.zeros[row + r], x.scales[row + r], terms,
                               to + r * weights.outputs + c * kLanes);
  }
}

void Product(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
             float* y) {
  WithEpilogue(epilogue, [&]<Int8Epilogue kind>() {
    for (int64_t output = 0; output < weights.outputs; output += kInt8PanelWidth) {
      const bool last = output + kInt8PanelWidth == weights.outputs;
      PanelShare next = {weights.panels + (output + kInt8PanelWidth) * weights.inputs, 0, 0};
      for (int64_t row = 0; row < rows; row += kRows) {
        next.begin = next.end;
        next.end = last ? 0 : kLine * (row + kRows) / rows;
        ProductTile<kind>(x, row, weights, output, next, y);
      }
    }
  });
}

constexpr Int8Kernels kAvx512Kernels = VectorKernels<Avx512>::With("avx512_vnni", kAnyWeightPair, Product);

}  // namespace

const Int8Kernels* Avx512Int8Kernels() {
  return &kAvx512Kernels;
}

}  // namespace sluice
