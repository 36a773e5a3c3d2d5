// Int8Kernels: the loops in which an encoder in eight bits spends its time, once for each kind of processor.
//
// ALGORITHM: dynamic quantization. A row of activations becomes unsigned bytes with a scale and a zero of its
// own, x = scale (value - zero), 0 exactly representable; weights are signed bytes with one scale an output
// (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
// Inference", 2018; per-token activations as in Yao et al., "ZeroQuant", 2022). Sums of products are exact in
// 32 bits, so a row's result does not depend on the rows beside it. Everything but the products is in fp32.
//
// The functions neither allocate nor throw and keep no state: thread-safe on distinct outputs. Matrices are
// row-major and dense unless a stride is given.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace sluice {

// Rows that one step of a product takes: row counts of products are multiples of it.
inline constexpr int64_t kInt8RowStep = 6;
// A product may read, but makes nothing of, the values of rows up to the next multiple of this.
inline constexpr int64_t kInt8RowsRead = 16;
// What no two weights between -127 and 127 exceed together.
inline constexpr int kAnyWeightPair = 2 * 127;
// Outputs that one step takes: output counts are multiples of it; packed weights stand in such panels.
inline constexpr int64_t kInt8PanelWidth = 64;

// [rows, columns] bytes, [rows] scales and zeros (integers of 0 to 255). Not owned.
struct QuantizedRows {
  uint8_t* values = nullptr;
  float* scales = nullptr;
  float* zeros = nullptr;
};

// Weights of y = x W^T + b. Not owned.
struct QuantizedWeights {
  const int8_t* panels = nullptr;  // [outputs / 64][inputs / 4][64][4]
  const float* scales = nullptr;   // [outputs]
  const float* sums = nullptr;     // [outputs], of an output's weights; integers
  const float* bias = nullptr;     // [outputs]
  int64_t inputs = 0;              // a multiple of 64
  int64_t outputs = 0;             // a multiple of 64
};

// One text in the output of the query-key-value product.
struct AttentionText {
  const float* query_key_value = nullptr;  // [length, 3, heads, head_size]
  int64_t length = 0;
  int64_t heads = 0;
  int64_t head_size = 0;     // a multiple of 32
  float* merged = nullptr;   // out: [length, heads, head_size]
  float* scratch = nullptr;  // AttentionScratch(length, head_size) floats
};

constexpr int64_t AttentionScratch(int64_t length, int64_t head_size) {
  const int64_t padded = (length + kInt8PanelWidth - 1) / kInt8PanelWidth * kInt8PanelWidth;
  return padded * 2 * (head_size + kInt8RowStep) + 16 * head_size;
}

enum class Int8Epilogue {
  kStore,     // y = product
  kAdd,       // y += product
  kGelu,      // y = gelu(product), by the error function
  kGeluTanh,  // its approximation by tanh
  kRelu,
};

struct LayerNormView {
  const float* scale = nullptr;  // [columns]
  const float* shift = nullptr;
  float epsilon = 0;
};

// How much of the feed-forward's inner matrix is computed, quantized and multiplied on before the next: what
// of it is to stay in the second cache, beside the weights that pass through.
struct FeedBlock {
  int64_t rows;     // of the other products, too
  int64_t columns;  // at most

  constexpr bool IsValid() const {
    return rows > 0 && rows % kInt8RowStep == 0 && rows % kInt8RowsRead == 0 && columns > 0 &&
           columns % kInt8PanelWidth == 0;
  }
};

struct Int8Kernels {
  const char* name;
  // What the weights of an output for inputs 2 i and 2 i + 1 may sum up to in `product` if they have one
  // sign: kAnyWeightPair, or less where their products are summed up in 16 bits.
  int greatest_weight_pair;
  FeedBlock feed_block;
  // columns a multiple of 64. A row with a NaN or an infinity gets a scale that is not finite, and so does
  // all that is computed from it.
  void (*quantize)(const float* x, int64_t rows, int64_t columns, QuantizedRows out);
  // y: [rows, outputs].
  void (*product)(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
                  float* y);
  // In place; columns a multiple of 64.
  void (*layer_norm)(float* x, int64_t rows, int64_t columns, const LayerNormView& norm);
  // Its products may be in 16 bits: bf16, or integers with a scale for each head of a text.
  void (*attend)(const AttentionText& text);
};

// Plain C++: the meaning of the others, and what they are tested against. Slow.
const Int8Kernels& PortableInt8Kernels();

// Whether two sets multiply and attend the same on a small example, as far as bf16 lets them. Microseconds.
bool Int8KernelsAgree(const Int8Kernels& kernels, const Int8Kernels& reference);

// Those that this processor runs and that can beat fp32 on it, presumably the fastest first: AMX (int8 and
// bf16) if it agrees with the next, AVX-512 with VNNI; or, without AVX-512, the first of AVX-VNNI, if it
// agrees with the other, and AVX2. Empty on others. The first call asks the system for the use of AMX, which
// holds for the whole process.
absl::Span<const Int8Kernels* const> FastInt8Kernels();

// All that this processor runs but the portable ones, whether or not another is better. For tests and
// benchmarks.
absl::Span<const Int8Kernels* const> RunnableInt8Kernels();

}  // namespace sluice
