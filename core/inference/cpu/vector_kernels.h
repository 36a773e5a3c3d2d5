// VectorKernels: what Int8Kernels do besides products, in fp32 on vectors V (avx512_vector.h, avx2_vector.h).
// For sources compiled for one kind of processor only: see vector_math.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/vector_math.h"

namespace sluice {

// One head of one text. Keys and values are laid out anew, side by side in panels of 64 and densely: as they
// come, the rows of a head lie at a distance that maps them onto few sets of the cache.
template <typename V>
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
    if constexpr (V::kQueries > 2 * kFewQueries) {
      for (; length_ - row > 2 * kFewQueries; row += V::kQueries)
        Queries<V::kQueries, V::kScoredQueries>(row);
      if (length_ - row > kFewQueries) return Queries<2 * kFewQueries, kFewQueries>(row);
    }
    for (; row < length_; row += kFewQueries) Queries<kFewQueries, kFewQueries>(row);
  }

 private:
  using Floats = typename V::Floats;
  static constexpr int64_t kLanes = V::kLanes;
  static constexpr int kFewQueries = 4;
  static constexpr int kTogether =
      4;  // rows whose maxima and sums go side by side, as none waits for the others

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
        rows[i] = V::Load(queries_ + hidden_ + Within(first + i) * stride_ + column);
      V::Transpose(rows);
      float* const to = keys_ + first / kInt8PanelWidth * kInt8PanelWidth * head_size_ +
                        column * kInt8PanelWidth + first % kInt8PanelWidth;
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) V::Store(to + i * kInt8PanelWidth, rows[i]);
    }
  }

  void LayOutValues() {
    const float* from = queries_ + 2 * hidden_;
    for (int64_t row = 0; row < length_; ++row, from += stride_) {
      for (int64_t column = 0; column < head_size_; column += kLanes)
        V::Store(values_ + row * head_size_ + column, V::Load(from + column));
    }
  }

  // The keys of a panel, as many of them as the text has.
  template <int rows>
  void Score(int64_t row, int64_t first_key, float* weights) {
    const int64_t end = length_ - first_key < kInt8PanelWidth ? length_ : first_key + kInt8PanelWidth;
    for (int64_t key = first_key; key < end; key += V::kScoredVectors * kLanes)
      ScoreVectors<rows, V::kScoredVectors>(row, key, (end - key + kLanes - 1) / kLanes, weights);
  }

  template <int rows, int most>
  void ScoreVectors(int64_t row, int64_t key, int64_t vectors, float* weights) {
    if constexpr (most > 1) {
      if (vectors < most) return ScoreVectors<rows, most - 1>(row, key, vectors, weights);
    }
    ScoreTile<rows, most>(row, key, weights);
  }

  template <int kTileRows, int kVectors>
  void ScoreTile(int64_t row, int64_t first_key, float* weights) {
    Floats sums[kTileRows][kVectors];
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) sums[r][c] = V::Set(0);
    }
    const float* rows[kTileRows];
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) rows[r] = queries_ + Within(row + r) * stride_;
    const int64_t in_panel = first_key % kInt8PanelWidth;
    const float* panel = keys_ + (first_key - in_panel) * head_size_ + in_panel;
    for (int64_t i = 0; i < head_size_; ++i, panel += kInt8PanelWidth) {
      Floats columns[kVectors];
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) columns[c] = V::Load(panel + c * kLanes);
#pragma GCC unroll 8
      for (int r = 0; r < kTileRows; ++r) {
        const Floats query = V::Set(rows[r][i]);
#pragma GCC unroll 8
        for (int c = 0; c < kVectors; ++c) sums[r][c] = V::MultiplyAdd(query, columns[c], sums[r][c]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) V::Store(weights + r * padded_ + first_key + c * kLanes, sums[r][c]);
    }
  }

  // The scores of kTogether rows to exponentials in place, and the inverses of their sums. Keys beyond the
  // text, copies of its last one, do not raise the maximum and get no weight.
  void Soften(float* weights, float* inverse_sums) const {
    const Floats scale = V::Set(1.44269504F) / V::Sqrt(V::Set(static_cast<float>(head_size_)));
    Floats shifts[kTogether], sums[kTogether];
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r) {
      shifts[r] = V::Set(weights[r * padded_]);
      sums[r] = V::Set(0);
    }
    for (int64_t i = 0; i < length_; i += kLanes) {
#pragma GCC unroll 4
      for (int r = 0; r < kTogether; ++r) shifts[r] = V::Max(shifts[r], V::Load(weights + r * padded_ + i));
    }
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r) shifts[r] = V::Set(V::Greatest(shifts[r])) * scale;
    for (int64_t i = 0; i < length_; i += kLanes) {
#pragma GCC unroll 4
      for (int r = 0; r < kTogether; ++r) {
        float* const at = weights + r * padded_ + i;
        const Floats part = Exp2<V>(V::MultiplySubtract(V::Load(at), scale, shifts[r]));
        const Floats share = V::KeepFirst(part, length_ - i);
        V::Store(at, share);
        sums[r] = sums[r] + share;
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r) inverse_sums[r] = 1 / V::Sum(sums[r]);
  }

  template <int count>
  void Weigh(int64_t row, int64_t column, const float (&inverse_sums)[count]) {
    Floats sums[count][2];
#pragma GCC unroll 16
    for (int r = 0; r < count; ++r) sums[r][0] = sums[r][1] = V::Set(0);
    const float* value = values_ + column;
    const float* weight = weights_;
    for (int64_t key = 0; key < length_; ++key, value += head_size_, ++weight) {
      const Floats left = V::Load(value), right = V::Load(value + kLanes);
#pragma GCC unroll 16
      for (int r = 0; r < count; ++r) {
        const Floats share = V::Set(weight[r * padded_]);
        sums[r][0] = V::MultiplyAdd(share, left, sums[r][0]);
        sums[r][1] = V::MultiplyAdd(share, right, sums[r][1]);
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < count; ++r) {
      if (row + r >= length_) break;
      float* const to = merged_ + (row + r) * hidden_ + column;
      V::Store(to, sums[r][0] * V::Set(inverse_sums[r]));
      V::Store(to + kLanes, sums[r][1] * V::Set(inverse_sums[r]));
    }
  }

  const int64_t length_, head_size_, hidden_, stride_, padded_;
  const float* const queries_;  // with the keys one hidden size behind, and the values two
  float* const merged_;
  float* const keys_;     // [padded / 64][head_size][64]
  float* const values_;   // [length, head_size]
  float* const weights_;  // [the queries taken at once, padded]
};

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
