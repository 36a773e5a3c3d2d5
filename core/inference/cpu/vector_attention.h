// AttentionHead: Int8Kernels::attend on vectors V (avx512_vector.h, avx2_vector.h), its products in
// integers. For sources compiled for one kind of processor only: see vector_math.h.
//
// ALGORITHM: softmax attention, a head of a text at a time, on queries, keys, values and weights rounded to
// integers of 16 bits, of which one instruction multiplies and sums up twice as many as of floats. Queries,
// keys and values each have one scale for the head, which leaves the greatest of the first two 13 bits beside
// the sign in heads of 32, and the greatest of the last 11: a number of an eighth of it and more keeps as
// much as in bf16. A row's weights are 14 bits of its greatest one. All sums are exact in 32 bits, for the
// weights of a row that sum up to more than 2^20 become coarser; texts of more than kSummedKeys keys add up
// such sums in floats.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/vector_math.h"

namespace sluice {

// Keys and values are laid out anew, side by side in panels of 64 and densely: as they come, the rows of a
// head lie at a distance that maps them onto few sets of the cache.
template <typename V>
class AttentionHead {
 public:
  AttentionHead(const AttentionText& text, int64_t head)
      : length_(text.length),
        head_size_(text.head_size),
        hidden_(text.heads * text.head_size),
        stride_(3 * hidden_),
        padded_((text.length + kInt8PanelWidth - 1) / kInt8PanelWidth * kInt8PanelWidth),
        query_key_value_(text.query_key_value + head * text.head_size),
        merged_(text.merged + head * text.head_size),
        queries_(reinterpret_cast<int16_t*>(text.scratch)),
        keys_(queries_ + padded_ * text.head_size),
        values_(keys_ + padded_ * text.head_size),
        weights_(values_ + padded_ * text.head_size) {}

  void Run() {
    LayOut();
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
  using Integers = typename V::Integers;
  static constexpr int64_t kLanes = V::kLanes;
  static constexpr int64_t kPairs = 2 * kLanes;  // 16 bit numbers of a vector
  static constexpr int kFewQueries = 4;
  // Rows whose maxima and sums go side by side, as none waits for the others.
  static constexpr int kTogether = 4;
  static constexpr int64_t kSummedKeys = 512;
  static constexpr int kWeightBits = 14;
  static constexpr float kWeightSum = 1 << 20, kValueLimit = 2047;
  // What Coarsen leaves of a block of kSummedKeys: within the sum, but for a half by which each may be
  // rounded up; or, at an eighth, all of them as great as can be.
  static_assert((int64_t{1 << 20} + kSummedKeys / 2) * int64_t{2047} <= INT32_MAX);
  static_assert((kSummedKeys << kWeightBits) / 8 <= 1 << 20);

  // `count` queries, of which Score takes `step` at once.
  template <int count, int step>
  void Queries(int64_t row) {
    for (int64_t key = 0; key < length_; key += kInt8PanelWidth) {
      for (int r = 0; r < count; r += step) Score<step>(row + r, key, Scores(r));
    }
    float inverse_sums[count];
    for (int r = 0; r < count; r += kTogether) Soften(r, inverse_sums + r);
    for (int64_t column = 0; column < head_size_; column += kPairs) Weigh<count>(row, column, inverse_sums);
  }

  // Rows beyond the text stand for its last one; they are computed and not stored.
  int64_t Within(int64_t row) const { return row < length_ ? row : length_ - 1; }

  const float* Query(int64_t row) const { return query_key_value_ + row * stride_; }
  const float* Key(int64_t row) const { return Query(row) + hidden_; }
  const float* Value(int64_t row) const { return Query(row) + 2 * hidden_; }

  // Row r of those taken at once: 32 bits a key before Soften, 16 after it.
  int16_t* Scores(int r) const { return weights_ + r * 2 * padded_; }

  void LayOut() {
    Integers query_bits = V::NoIntegers(), key_bits = query_bits, value_bits = query_bits;
    for (int64_t row = 0; row < length_; ++row) {
      for (int64_t column = 0; column < head_size_; column += kLanes) {
        query_bits = V::MaxIntegers(query_bits, V::Magnitude(V::Load(Query(row) + column)));
        key_bits = V::MaxIntegers(key_bits, V::Magnitude(V::Load(Key(row) + column)));
        value_bits = V::MaxIntegers(value_bits, V::Magnitude(V::Load(Value(row) + column)));
      }
    }
    int32_t limit = 8191;
    while (int64_t{limit} * limit * head_size_ > INT32_MAX) limit /= 2;
    const Scaling queries(query_bits, static_cast<float>(limit)), keys(key_bits, static_cast<float>(limit));
    const Scaling values(value_bits, kValueLimit);
    const Floats root = V::Sqrt(V::Set(static_cast<float>(head_size_)));
    score_scale_ = V::First(V::Set(queries.step * keys.step * 1.44269504F) / root);
    value_scale_ = values.step + 0 * (score_scale_ * 0x1p32F);  // what is or becomes infinite stays so

    for (int64_t row = 0; row < length_; ++row) {
      for (int64_t column = 0; column < head_size_; column += kPairs)
        V::StoreIntegers(queries_ + row * head_size_ + column, Rounded(Query(row) + column, queries));
    }
    for (int64_t key = 0; key < length_; key += kLanes) LayOutKeys(key, keys);
    for (int64_t row = 0; row < length_; row += 2) LayOutValues(row, values);
  }

  struct Scaling {
    Scaling(Integers bits, float limit) {
      const float greatest = V::AsFloat(V::GreatestInteger(bits));
      step = (greatest > 1e-30F ? greatest : greatest + 1e-30F) / limit;
      inverse = V::Set(1 / step);
    }
    float step;
    Floats inverse;
  };

  // In whatever order, but the same for queries and keys.
  static Integers Rounded(const float* from, const Scaling& scaling) {
    return V::PackShorts(V::ToIntegers(V::Load(from) * scaling.inverse),
                         V::ToIntegers(V::Load(from + kLanes) * scaling.inverse));
  }

  void LayOutKeys(int64_t first, const Scaling& scaling) {
    int16_t* to =
        keys_ + first / kInt8PanelWidth * kInt8PanelWidth * head_size_ + first % kInt8PanelWidth * 2;
    for (int64_t column = 0; column < head_size_; column += kPairs) {
      Floats rows[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i)
        rows[i] = V::AsFloats(Rounded(Key(Within(first + i)) + column, scaling));
      V::Transpose(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i, to += 2 * kInt8PanelWidth)
        V::StoreIntegers(to, V::AsIntegers(rows[i]));
    }
  }

  // A value of either row side by side; nothing meets the row beyond an odd length but a weight of zero.
  void LayOutValues(int64_t row, const Scaling& scaling) {
    const float* const first = Value(row);
    const float* const second = Value(Within(row + 1));
    for (int64_t column = 0; column < head_size_; column += kLanes)
      V::StoreIntegers(values_ + row * head_size_ + column * 2,
                       V::Interleave(V::ToIntegers(V::Load(first + column) * scaling.inverse),
                                     V::ToIntegers(V::Load(second + column) * scaling.inverse)));
  }

  // The keys of a panel, as many of them as the text has.
  template <int rows>
  void Score(int64_t row, int64_t first_key, int16_t* scores) {
    const int64_t end = length_ - first_key < kInt8PanelWidth ? length_ : first_key + kInt8PanelWidth;
    for (int64_t key = first_key; key < end; key += V::kScoredVectors * kLanes)
      ScoreVectors<rows, V::kScoredVectors>(row, key, (end - key + kLanes - 1) / kLanes, scores);
  }

  template <int rows, int most>
  void ScoreVectors(int64_t row, int64_t key, int64_t vectors, int16_t* scores) {
    if constexpr (most > 1) {
      if (vectors < most) return ScoreVectors<rows, most - 1>(row, key, vectors, scores);
    }
    ScoreTile<rows, most>(row, key, scores);
  }

  template <int kTileRows, int kVectors>
  void ScoreTile(int64_t row, int64_t first_key, int16_t* scores) {
    Integers sums[kTileRows][kVectors];
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) sums[r][c] = V::NoIntegers();
    }
    const int16_t* rows[kTileRows];
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) rows[r] = queries_ + Within(row + r) * head_size_;
    const int64_t in_panel = first_key % kInt8PanelWidth;
    const int16_t* panel = keys_ + (first_key - in_panel) * head_size_ + in_panel * 2;
    for (int64_t i = 0; i < head_size_; i += 2, panel += 2 * kInt8PanelWidth) {
      Integers columns[kVectors];
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c) columns[c] = V::LoadIntegers(panel + c * kPairs);
#pragma GCC unroll 8
      for (int r = 0; r < kTileRows; ++r) {
        const Integers query = V::SetPair(rows[r] + i);
#pragma GCC unroll 8
        for (int c = 0; c < kVectors; ++c) V::AddProducts(sums[r][c], query, columns[c]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < kVectors; ++c)
        V::StoreIntegers(scores + 2 * (r * padded_ + first_key + c * kLanes), sums[r][c]);
    }
  }

  // The scores of kTogether rows to weights in place, and the inverses of their sums. Keys beyond the text,
  // copies of its last one, do not raise the maximum and get no weight. The maximum is taken off before
  // scaling, so that it becomes 0 exactly, and no weight exceeds its bound, however large the scores.
  void Soften(int first_row, float* inverse_sums) const {
    int16_t* rows[kTogether];
    Integers greatest[kTogether], sums[kTogether];
    Floats most[kTogether];
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r) {
      rows[r] = Scores(first_row + r);
      greatest[r] = V::LoadIntegers(rows[r]);
      sums[r] = V::NoIntegers();
    }
    for (int64_t i = kLanes; i < length_; i += kLanes) {
#pragma GCC unroll 4
      for (int r = 0; r < kTogether; ++r)
        greatest[r] = V::MaxIntegers(greatest[r], V::LoadIntegers(rows[r] + 2 * i));
    }
    const Floats scale = V::Set(score_scale_), top = V::Set(kWeightBits);
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r) most[r] = V::Set(static_cast<float>(V::GreatestInteger(greatest[r])));
    for (int64_t i = 0; i < length_; i += kLanes) {
#pragma GCC unroll 4
      for (int r = 0; r < kTogether; ++r) {
        const Floats below = V::FromIntegers(V::LoadIntegers(rows[r] + 2 * i)) - most[r];
        const Floats part = RoughExp2<V>(V::MultiplyAdd(below, scale, top));
        const Integers weight = V::ToIntegers(V::KeepFirst(part, length_ - i));
        V::StoreShorts(rows[r] + i, weight);
        sums[r] = V::Add(sums[r], weight);
      }
    }
#pragma GCC unroll 4
    for (int r = 0; r < kTogether; ++r) {
      float sum = V::Sum(V::FromIntegers(sums[r]));
      if (sum > kWeightSum) sum = Coarsen(rows[r], sum);
      inverse_sums[r] = value_scale_ / sum;
    }
  }

  // Makes a row's weights small enough for Weigh; returns their sum.
  float Coarsen(int16_t* weights, float sum) const {
    float factor = 0.5F;
    while (sum * factor > kWeightSum && factor > 0.125F) factor /= 2;
    const Floats factors = V::Set(factor);
    Integers sums = V::NoIntegers();
    for (int64_t i = 0; i < length_; i += kLanes) {
      const Integers weight = V::ToIntegers(V::FromIntegers(V::LoadShorts(weights + i)) * factors);
      V::StoreShorts(weights + i, weight);
      sums = V::Add(sums, weight);
    }
    return V::Sum(V::FromIntegers(sums));
  }

  template <int count>
  void Weigh(int64_t row, int64_t column, const float (&inverse_sums)[count]) {
    for (int64_t key = 0; key < length_; key += kSummedKeys) {
      const int64_t end = length_ - key < kSummedKeys ? length_ : key + kSummedKeys;
      Integers sums[count][2];
#pragma GCC unroll 16
      for (int r = 0; r < count; ++r) sums[r][0] = sums[r][1] = V::NoIntegers();
      const int16_t* value = values_ + key * head_size_ + column * 2;
      const int16_t* weight = weights_ + key;
      for (int64_t i = key; i < end; i += 2, value += 2 * head_size_, weight += 2) {
        const Integers left = V::LoadIntegers(value), right = V::LoadIntegers(value + kPairs);
#pragma GCC unroll 16
        for (int r = 0; r < count; ++r) {
          const Integers share = V::SetPair(weight + r * 2 * padded_);
          V::AddProducts(sums[r][0], share, left);
          V::AddProducts(sums[r][1], share, right);
        }
      }
#pragma GCC unroll 16
      for (int r = 0; r < count; ++r) {
        if (row + r >= length_) break;
        float* const to = merged_ + (row + r) * hidden_ + column;
        const Floats scale = V::Set(inverse_sums[r]);
        const Floats left = V::FromIntegers(sums[r][0]) * scale, right = V::FromIntegers(sums[r][1]) * scale;
        V::Store(to, key == 0 ? left : left + V::Load(to));
        V::Store(to + kLanes, key == 0 ? right : right + V::Load(to + kLanes));
      }
    }
  }

  const int64_t length_, head_size_, hidden_, stride_, padded_;
  const float* const query_key_value_;
  float* const merged_;
  int16_t* const queries_;  // [length, head_size]
  int16_t* const keys_;     // [padded / 64][head_size / 2][64][2]
  int16_t* const values_;   // [padded / 2][head_size][2]
  int16_t* const weights_;  // [the queries taken at once, 2 padded]
  float score_scale_ = 0, value_scale_ = 0;
};

}  // namespace sluice
