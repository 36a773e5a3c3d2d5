// Compiled for AVX-512 with VNNI whatever the rest is compiled for, so that no inline function of a library's
// header may be instantiated here: the linker could keep that copy for the whole program.
#include "core/inference/cpu/int8_kernels_avx512.h"

#include <cstdint>

#include "core/inference/cpu/avx512_math.h"
#include "core/inference/cpu/int8_kernels.h"

namespace sluice {
namespace {

constexpr int kRows = kInt8RowStep;
constexpr int kPanelVectors = kInt8PanelWidth / kLanes;

// The instruction by hand: with the intrinsic, gcc 12 copies all accumulators through memory, at half the
// speed.
inline void Accumulate(Integers& sum, Integers bytes, Integers weights) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(bytes), "v"(weights));
}

// kRows rows by one panel; 24 sums stay in registers. Loads per step: 4 of weights, 6 broadcast, for 24
// products.
template <Int8Epilogue epilogue>
inline void ProductTile(QuantizedRows x, int64_t row, const QuantizedWeights& weights, int64_t output,
                        float* y) {
  Integers sums[kRows][kPanelVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < kPanelVectors; ++c) sums[r][c] = _mm512_setzero_si512();
  }
  const uint8_t* values = x.values + row * weights.inputs;
  const int8_t* panel = weights.panels + output * weights.inputs;
  for (int64_t k = 0; k < weights.inputs; k += 4, values += 4, panel += 4 * kInt8PanelWidth) {
    Integers columns[kPanelVectors];
#pragma GCC unroll 8
    for (int c = 0; c < kPanelVectors; ++c) columns[c] = _mm512_loadu_si512(panel + c * 64);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      int32_t four_values;
      __builtin_memcpy(&four_values, values + r * weights.inputs, sizeof(four_values));
      const Integers bytes = _mm512_set1_epi32(four_values);
#pragma GCC unroll 8
      for (int c = 0; c < kPanelVectors; ++c) Accumulate(sums[r][c], bytes, columns[c]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const Floats zero = Set(x.zeros[row + r]);
    const Floats row_scale = Set(x.scales[row + r]);
#pragma GCC unroll 8
    for (int c = 0; c < kPanelVectors; ++c) {
      const int64_t column = output + c * kLanes;
      Finish<epilogue>(sums[r][c], zero, row_scale, weights, column,
                       y + (row + r) * weights.outputs + column);
    }
  }
}

void Product(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
             float* y) {
  WithEpilogue(epilogue, [&]<Int8Epilogue kind>() {
    for (int64_t output = 0; output < weights.outputs; output += kInt8PanelWidth)
      for (int64_t row = 0; row < rows; row += kRows) ProductTile<kind>(x, row, weights, output, y);
  });
}

// Minimum and maximum lose a NaN; times zero and summed up, what is not finite stays.
void Quantize(const float* x, int64_t rows, int64_t columns, QuantizedRows out) {
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    Floats low = _mm512_setzero_ps(), high = _mm512_setzero_ps(), poison = _mm512_setzero_ps();
    for (int64_t i = 0; i < columns; i += kLanes) {
      const Floats part = _mm512_loadu_ps(x + i);
      low = _mm512_min_ps(low, part);
      high = _mm512_max_ps(high, part);
      poison = _mm512_fmadd_ps(part, _mm512_setzero_ps(), poison);
    }
    const float least = _mm512_reduce_min_ps(low);
    const float range = (_mm512_reduce_max_ps(high) - least) / 255;
    const float scale = range > 1e-30F ? range : 1e-30F;
    const Integers zero = _mm512_cvtps_epi32(Set(-least / scale));
    out.scales[row] = scale + _mm512_reduce_add_ps(poison);
    out.zeros[row] = _mm512_cvtss_f32(_mm512_cvtepi32_ps(zero));
    const Floats inverse = Set(1 / scale);
    for (int64_t i = 0; i < columns; i += kLanes) {
      const Integers value = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + i), inverse));
      const Integers shifted = _mm512_max_epi32(_mm512_add_epi32(value, zero), _mm512_setzero_si512());
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out.values + row * columns + i),
                       _mm512_cvtusepi32_epi8(shifted));
    }
  }
}

void Normalize(float* x, int64_t rows, int64_t columns, const LayerNormView& norm) {
  const float share = 1.0F / static_cast<float>(columns);
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    Floats sum = _mm512_setzero_ps(), squares = _mm512_setzero_ps();
    for (int64_t i = 0; i < columns; i += kLanes) sum = _mm512_add_ps(sum, _mm512_loadu_ps(x + i));
    const Floats mean = Set(_mm512_reduce_add_ps(sum) * share);
    for (int64_t i = 0; i < columns; i += kLanes) {
      const Floats centred = _mm512_sub_ps(_mm512_loadu_ps(x + i), mean);
      squares = _mm512_fmadd_ps(centred, centred, squares);
    }
    const Floats variance = Set(_mm512_reduce_add_ps(squares) * share + norm.epsilon);
    const Floats inverse = _mm512_div_ps(Set(1), _mm512_sqrt_ps(variance));
    for (int64_t i = 0; i < columns; i += kLanes) {
      const Floats scaled = _mm512_mul_ps(_mm512_sub_ps(_mm512_loadu_ps(x + i), mean), inverse);
      _mm512_storeu_ps(
          x + i, _mm512_fmadd_ps(scaled, _mm512_loadu_ps(norm.scale + i), _mm512_loadu_ps(norm.shift + i)));
    }
  }
}

// One head of one text. Keys and values are laid out anew, side by side in panels of 64 and densely: as they
// come, the rows of a head lie at a distance that maps them onto few sets of the cache.
class AttentionHead {
 public:
  AttentionHead(const AttentionText& text, int64_t head)
      : length_(text.length),
        head_size_(text.head_size),
        hidden_(text.heads * text.head_size),
        stride_(3 * hidden_),
        padded_((text.length + kInt8PanelWidth - 1) / kInt8PanelWidth * kInt8PanelWidth),
        queries_(text.query_key_value + head * text.head_size),
        merged_(text.merged + head * text.head_size),
        keys_(text.scratch),
        values_(keys_ + padded_ * text.head_size),
        weights_(values_ + padded_ * text.head_size) {}

  void Run() {
    for (int64_t key = 0; key < padded_; key += kLanes) LayOutKeys(key);
    LayOutValues();
    for (int64_t row = 0; row < length_; row += kQueries) {
      for (int64_t panel = 0; panel < padded_; panel += kInt8PanelWidth) {
        Score(row, panel, weights_);
        Score(row + kRows, panel, weights_ + kRows * padded_);
      }
      float inverse_sums[kQueries];
      for (int r = 0; r < kQueries; ++r) inverse_sums[r] = Soften(weights_ + r * padded_);
      for (int64_t column = 0; column < head_size_; column += 2 * kLanes) Weigh(row, column, inverse_sums);
    }
  }

 private:
  static constexpr int kQueries = 2 * kRows;

  // Rows beyond the text stand for its last one; they are computed and not stored.
  int64_t Within(int64_t row) const { return row < length_ ? row : length_ - 1; }

  void LayOutKeys(int64_t first) {
    for (int64_t column = 0; column < head_size_; column += kLanes) {
      Floats rows[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i)
        rows[i] = _mm512_loadu_ps(queries_ + hidden_ + Within(first + i) * stride_ + column);
      Transpose(rows);
      float* const to = keys_ + first / kInt8PanelWidth * kInt8PanelWidth * head_size_ +
                        column * kInt8PanelWidth + first % kInt8PanelWidth;
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) _mm512_storeu_ps(to + i * kInt8PanelWidth, rows[i]);
    }
  }

  void LayOutValues() {
    const float* from = queries_ + 2 * hidden_;
    for (int64_t row = 0; row < length_; ++row, from += stride_) {
      for (int64_t column = 0; column < head_size_; column += kLanes)
        _mm512_storeu_ps(values_ + row * head_size_ + column, _mm512_loadu_ps(from + column));
    }
  }

  void Score(int64_t row, int64_t first_key, float* weights) {
    Floats sums[kRows][kPanelVectors];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kPanelVectors; ++c) sums[r][c] = _mm512_setzero_ps();
    }
    const float* rows[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) rows[r] = queries_ + Within(row + r) * stride_;
    const float* panel = keys_ + first_key * head_size_;
    for (int64_t i = 0; i < head_size_; ++i, panel += kInt8PanelWidth) {
      Floats columns[kPanelVectors];
#pragma GCC unroll 8
      for (int c = 0; c < kPanelVectors; ++c) columns[c] = _mm512_loadu_ps(panel + c * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const Floats query = Set(rows[r][i]);
#pragma GCC unroll 8
        for (int c = 0; c < kPanelVectors; ++c) sums[r][c] = _mm512_fmadd_ps(query, columns[c], sums[r][c]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kPanelVectors; ++c)
        _mm512_storeu_ps(weights + r * padded_ + first_key + c * kLanes, sums[r][c]);
    }
  }

  // Scores to exponentials in place; returns the inverse of their sum. Keys beyond the text, copies of its
  // last one, do not raise the maximum and get no weight.
  float Soften(float* weights) const {
    Floats greatest = Set(weights[0]);
    for (int64_t i = 0; i < length_; i += kLanes)
      greatest = _mm512_max_ps(greatest, _mm512_loadu_ps(weights + i));
    const Floats scale = _mm512_div_ps(Set(1), _mm512_sqrt_ps(Set(static_cast<float>(head_size_))));
    const Floats shift = _mm512_mul_ps(Set(_mm512_reduce_max_ps(greatest)), scale);
    Floats sum = _mm512_setzero_ps();
    for (int64_t i = 0; i < length_; i += kLanes) {
      const int64_t left = length_ - i;
      const auto mask = static_cast<__mmask16>(left >= kLanes ? 0xffff : (1U << left) - 1);
      const Floats part =
          _mm512_maskz_mov_ps(mask, Exp(_mm512_fmsub_ps(_mm512_loadu_ps(weights + i), scale, shift)));
      _mm512_storeu_ps(weights + i, part);
      sum = _mm512_add_ps(sum, part);
    }
    return 1 / _mm512_reduce_add_ps(sum);
  }

  void Weigh(int64_t row, int64_t column, const float (&inverse_sums)[kQueries]) {
    Floats sums[kQueries][2];
#pragma GCC unroll 16
    for (int r = 0; r < kQueries; ++r) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
    const float* value = values_ + column;
    const float* weight = weights_;
    for (int64_t key = 0; key < length_; ++key, value += head_size_, ++weight) {
      const Floats left = _mm512_loadu_ps(value), right = _mm512_loadu_ps(value + kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < kQueries; ++r) {
        const Floats share = Set(weight[r * padded_]);
        sums[r][0] = _mm512_fmadd_ps(share, left, sums[r][0]);
        sums[r][1] = _mm512_fmadd_ps(share, right, sums[r][1]);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kQueries; ++r) {
      if (row + r >= length_) break;
      float* const to = merged_ + (row + r) * hidden_ + column;
      _mm512_storeu_ps(to, _mm512_mul_ps(sums[r][0], Set(inverse_sums[r])));
      _mm512_storeu_ps(to + kLanes, _mm512_mul_ps(sums[r][1], Set(inverse_sums[r])));
    }
  }

  const int64_t length_, head_size_, hidden_, stride_, padded_;
  const float* const queries_;  // with the keys one hidden size behind, and the values two
  float* const merged_;
  float* const keys_;     // [padded / 64][head_size][64]
  float* const values_;   // [length, head_size]
  float* const weights_;  // [kQueries, padded]
};

void Attend(const AttentionText& text) {
  for (int64_t head = 0; head < text.heads; ++head) AttentionHead(text, head).Run();
}

constexpr Int8Kernels kAvx512Kernels = {"avx512_vnni", Quantize, Product, Normalize, Attend};

}  // namespace

const Int8Kernels* Avx512Int8Kernels() {
  return &kAvx512Kernels;
}

}  // namespace sluice
