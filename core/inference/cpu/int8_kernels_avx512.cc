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
    const OutputTerms terms(weights, output + c * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r)
      Finish<epilogue>(sums[r][c], x.zeros[row + r], x.scales[row + r], terms,
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

constexpr int kTogether = 4;  // vectors whose sums go side by side, as none waits for the one before
constexpr int64_t kStep = kTogether * kLanes;

inline Floats Combine(const Floats (&parts)[kTogether], Floats (*combine)(Floats, Floats)) {
  return combine(combine(parts[0], parts[1]), combine(parts[2], parts[3]));
}

// Minimum and maximum lose a NaN; times zero and summed up, what is not finite stays.
struct Range {
  float low, high, poison;
};

inline Range RangeOf(const float* x, int64_t columns) {
  Floats low[kTogether], high[kTogether], poison[kTogether];
#pragma GCC unroll 4
  for (int c = 0; c < kTogether; ++c) low[c] = high[c] = poison[c] = _mm512_setzero_ps();
  for (int64_t i = 0; i < columns; i += kStep) {
#pragma GCC unroll 4
    for (int c = 0; c < kTogether; ++c) {
      const Floats part = _mm512_loadu_ps(x + i + c * kLanes);
      low[c] = _mm512_min_ps(low[c], part);
      high[c] = _mm512_max_ps(high[c], part);
      poison[c] = _mm512_fmadd_ps(part, _mm512_setzero_ps(), poison[c]);
    }
  }
  return {_mm512_reduce_min_ps(Combine(low, _mm512_min_ps)),
          _mm512_reduce_max_ps(Combine(high, _mm512_max_ps)),
          _mm512_reduce_add_ps(Combine(poison, _mm512_add_ps))};
}

// 64 numbers to bytes, what is out of their range to the nearest of them.
inline Integers Bytes(const float* x, Floats inverse, Integers zero) {
  Integers values[kTogether];
#pragma GCC unroll 4
  for (int c = 0; c < kTogether; ++c)
    values[c] = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + c * kLanes), inverse));
  const Integers low = _mm512_add_epi16(_mm512_packs_epi32(values[0], values[1]), zero);
  const Integers high = _mm512_add_epi16(_mm512_packs_epi32(values[2], values[3]), zero);
  const Integers order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
}

void Quantize(const float* x, int64_t rows, int64_t columns, QuantizedRows out) {
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    const Range of_row = RangeOf(x, columns);
    const float range = (of_row.high - of_row.low) / 255;
    const float scale = range > 1e-30F ? range : 1e-30F;
    const int zero = _mm_cvtss_si32(_mm_set_ss(-of_row.low / scale));
    out.scales[row] = scale + of_row.poison;
    out.zeros[row] = static_cast<float>(zero);
    const Floats inverse = Set(1 / scale);
    const Integers zeros = _mm512_set1_epi16(static_cast<int16_t>(zero));
    for (int64_t i = 0; i < columns; i += kStep)
      _mm512_storeu_si512(out.values + row * columns + i, Bytes(x + i, inverse, zeros));
  }
}

inline float Sum(const Floats (&parts)[kTogether]) {
  return _mm512_reduce_add_ps(Combine(parts, _mm512_add_ps));
}

void Normalize(float* x, int64_t rows, int64_t columns, const LayerNormView& norm) {
  const float share = 1.0F / static_cast<float>(columns);
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    Floats sums[kTogether], squares[kTogether];
#pragma GCC unroll 4
    for (int c = 0; c < kTogether; ++c) sums[c] = squares[c] = _mm512_setzero_ps();
    for (int64_t i = 0; i < columns; i += kStep) {
#pragma GCC unroll 4
      for (int c = 0; c < kTogether; ++c)
        sums[c] = _mm512_add_ps(sums[c], _mm512_loadu_ps(x + i + c * kLanes));
    }
    const Floats mean = Set(Sum(sums) * share);
    for (int64_t i = 0; i < columns; i += kStep) {
#pragma GCC unroll 4
      for (int c = 0; c < kTogether; ++c) {
        const Floats centred = _mm512_sub_ps(_mm512_loadu_ps(x + i + c * kLanes), mean);
        squares[c] = _mm512_fmadd_ps(centred, centred, squares[c]);
      }
    }
    const Floats variance = Set(Sum(squares) * share + norm.epsilon);
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
    for (int64_t key = 0; key < length_; key += kLanes) LayOutKeys(key);
    LayOutValues();
    int64_t row = 0;
    for (; length_ - row > 2 * kFewRows; row += 2 * kRows) Queries<2 * kRows, kRows>(row);
    if (length_ - row > kFewRows) {
      Queries<2 * kFewRows, kFewRows>(row);
    } else if (length_ > row) {
      Queries<kFewRows, kFewRows>(row);
    }
  }

 private:
  static constexpr int kFewRows = 4;

  // `count` queries, of which Score takes `step` at once.
  template <int count, int step>
  void Queries(int64_t row) {
    for (int64_t key = 0; key < length_; key += kInt8PanelWidth) {
      for (int r = 0; r < count; r += step) Score<step>(row + r, key, weights_ + r * padded_);
    }
    float inverse_sums[count];
    for (int r = 0; r < count; r += kTogether) Soften(weights_ + r * padded_, inverse_sums + r);
    for (int64_t column = 0; column < head_size_; column += 2 * kLanes)
      Weigh<count>(row, column, inverse_sums);
  }

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

  template <int rows>
  void Score(int64_t row, int64_t first_key, float* weights) {
    const int64_t left = length_ - first_key;
    if (left > 3 * kLanes) return ScoreTile<rows, 4>(row, first_key, weights);
    if (left > 2 * kLanes) return ScoreTile<rows, 3>(row, first_key, weights);
    if (left > kLanes) return ScoreTile<rows, 2>(row, first_key, weights);
    ScoreTile<rows, 1>(row, first_key, weights);
  }

  template <int kTileRows, int kVectors>
  void ScoreTile(int64_t row, int64_t first_key, float* weights) {
    Floats sums[kTileRows][kVectors];
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) sums[r][c] = _mm512_setzero_ps();
    }
    const float* rows[kTileRows];
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) rows[r] = queries_ + Within(row + r) * stride_;
    const float* panel = keys_ + first_key * head_size_;
    for (int64_t i = 0; i < head_size_; ++i, panel += kInt8PanelWidth) {
      Floats columns[kVectors];
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) columns[c] = _mm512_loadu_ps(panel + c * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kTileRows; ++r) {
        const Floats query = Set(rows[r][i]);
#pragma GCC unroll 8
        for (int c = 0; c < kVectors; ++c) sums[r][c] = _mm512_fmadd_ps(query, columns[c], sums[r][c]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c)
        _mm512_storeu_ps(weights + r * padded_ + first_key + c * kLanes, sums[r][c]);
    }
  }

  // The scores of kTogether rows to exponentials in place, and the inverses of their sums. Keys beyond the
  // text, copies of its last one, do not raise the maximum and get no weight.
  void Soften(float* weights, float* inverse_sums) const {
    const Floats scale = _mm512_div_ps(Set(1.44269504F), _mm512_sqrt_ps(Set(static_cast<float>(head_size_))));
    Floats shifts[kTogether], sums[kTogether];
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r) {
      shifts[r] = Set(weights[r * padded_]);
      sums[r] = _mm512_setzero_ps();
    }
    for (int64_t i = 0; i < length_; i += kLanes) {
#pragma GCC unroll 4
      for (int r = 0; r < kTogether; ++r)
        shifts[r] = _mm512_max_ps(shifts[r], _mm512_loadu_ps(weights + r * padded_ + i));
    }
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r)
      shifts[r] = _mm512_mul_ps(Set(_mm512_reduce_max_ps(shifts[r])), scale);
    for (int64_t i = 0; i < length_; i += kLanes) {
      const int64_t left = length_ - i;
      const auto mask = static_cast<__mmask16>(left >= kLanes ? 0xffff : (1U << left) - 1);
#pragma GCC unroll 4
      for (int r = 0; r < kTogether; ++r) {
        float* const at = weights + r * padded_ + i;
        const Floats part = Exp2(_mm512_fmsub_ps(_mm512_loadu_ps(at), scale, shifts[r]));
        const Floats share = _mm512_maskz_mov_ps(mask, part);
        _mm512_storeu_ps(at, share);
        sums[r] = _mm512_add_ps(sums[r], share);
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r) inverse_sums[r] = 1 / _mm512_reduce_add_ps(sums[r]);
  }

  template <int count>
  void Weigh(int64_t row, int64_t column, const float (&inverse_sums)[count]) {
    Floats sums[count][2];
#pragma GCC unroll 16
    for (int r = 0; r < count; ++r) sums[r][0] = sums[r][1] = _mm512_setzero_ps();
    const float* value = values_ + column;
    const float* weight = weights_;
    for (int64_t key = 0; key < length_; ++key, value += head_size_, ++weight) {
      const Floats left = _mm512_loadu_ps(value), right = _mm512_loadu_ps(value + kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < count; ++r) {
        const Floats share = Set(weight[r * padded_]);
        sums[r][0] = _mm512_fmadd_ps(share, left, sums[r][0]);
        sums[r][1] = _mm512_fmadd_ps(share, right, sums[r][1]);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < count; ++r) {
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
  float* const weights_;  // [2 kRows, padded]
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
