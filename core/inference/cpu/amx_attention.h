// AmxAttention: Int8Kernels::attend on AMX tiles, its two products in bf16 and the softmax between them in
// fp32. `Tiles` as in amx_product.h. For sources compiled for AVX-512 only.
//
// Both products take their right side as pairs of rows side by side: keys are transposed to that, values
// interleaved, once for each head. Rows and keys beyond the text are zeros, or are not stored.
#pragma once

#include <cstdint>

#include "core/inference/cpu/amx_product.h"
#include "core/inference/cpu/avx512_vector.h"
#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/vector_math.h"

namespace sluice {

// 32 floats to bf16, in their order. Halves are rounded away from zero.
static inline __m512i Narrow(__m512 first, __m512 second) {
  alignas(64) static constexpr int16_t kUpperHalves[32] = {1,  3,  5,  7,  9,  11, 13, 15, 17, 19, 21,
                                                           23, 25, 27, 29, 31, 33, 35, 37, 39, 41, 43,
                                                           45, 47, 49, 51, 53, 55, 57, 59, 61, 63};
  const __m512i half = _mm512_set1_epi32(0x8000);
  return _mm512_permutex2var_epi16(_mm512_add_epi32(_mm512_castps_si512(first), half),
                                   _mm512_load_si512(kUpperHalves),
                                   _mm512_add_epi32(_mm512_castps_si512(second), half));
}

// As Narrow, but first[0], second[0], first[1], …
static inline __m512i NarrowInterleaved(__m512 first, __m512 second) {
  const __m512i half = _mm512_set1_epi32(0x8000);
  const __m512i low = _mm512_srli_epi32(_mm512_add_epi32(_mm512_castps_si512(first), half), 16);
  return _mm512_mask_blend_epi16(0xaaaaaaaa, low, _mm512_add_epi32(_mm512_castps_si512(second), half));
}

template <typename Tiles>
class AmxAttention {
 public:
  static void Run(const AttentionText& text) {
    Tiles::Begin();
    for (int64_t head = 0; head < text.heads; ++head) AmxAttention(text, head).Head();
    Tiles::End();
  }

 private:
  using Floats = Avx512::Floats;
  static constexpr int64_t kLanes = Avx512::kLanes;
  static constexpr int64_t kPairs = 2 * kLanes;  // bf16 of a tile's row; keys that one product takes

  using Bf16 = uint16_t;

  AmxAttention(const AttentionText& text, int64_t head)
      : length_(text.length),
        head_size_(text.head_size),
        hidden_(text.heads * text.head_size),
        stride_(3 * hidden_),
        padded_((text.length + kPairs - 1) / kPairs * kPairs),
        query_key_value_(text.query_key_value + head * text.head_size),
        merged_(text.merged + head * text.head_size),
        scores_(text.scratch),
        keys_(reinterpret_cast<Bf16*>(scores_ + kTileRows * padded_)),
        values_(keys_ + padded_ * head_size_),
        shares_(values_ + padded_ * head_size_),
        queries_(shares_ + kTileRows * padded_) {}

  void Head() {
    for (int64_t key = 0; key < padded_; key += kTileRows) LayOutKeys(key);
    for (int64_t key = 0; key < padded_; key += 2) LayOutValues(key);
    const float poison = _mm512_reduce_add_ps(poison_);
    for (int64_t row = 0; row < length_; row += kTileRows) {
      const int64_t rows = length_ - row < kTileRows ? length_ - row : kTileRows;
      LayOutQueries(row);
      for (int64_t key = 0; key < padded_; key += kPairs) Score(key);
      float inverse_sums[kTileRows];
      for (int64_t r = 0; r < rows; ++r) inverse_sums[r] = Soften(r) + poison;
      for (int64_t column = 0; column < head_size_; column += kPairs) Weigh(row, rows, column, inverse_sums);
    }
  }

  Floats Part(int64_t row, int64_t which, int64_t column) const {
    if (row >= length_) return _mm512_setzero_ps();
    return _mm512_loadu_ps(query_key_value_ + row * stride_ + which * hidden_ + column);
  }

  // The tile of 16 keys from `key` and 32 columns from `column`.
  Bf16* KeyTile(int64_t key, int64_t column) const { return keys_ + key * head_size_ + column * kTileRows; }
  // Of 16 queries' columns from `column`.
  Bf16* QueryTile(int64_t column) const { return queries_ + column * kTileRows; }
  // The tile of 32 keys from `key` and 16 columns from `column`.
  Bf16* ValueTile(int64_t key, int64_t column) const { return values_ + key * head_size_ + column * kPairs; }

  void LayOutKeys(int64_t key) {
    for (int64_t column = 0; column < head_size_; column += kPairs) {
      Floats rows[kLanes];
      for (int i = 0; i < kLanes; ++i) {
        const Floats first = Part(key + i, 1, column), second = Part(key + i, 1, column + kLanes);
        rows[i] = _mm512_castsi512_ps(Narrow(first, second));
        poison_ = _mm512_fmadd_ps(_mm512_add_ps(first, second), _mm512_setzero_ps(), poison_);
      }
      Avx512::Transpose(rows);
      Bf16* const tile = KeyTile(key, column);
      for (int i = 0; i < kLanes; ++i) _mm512_storeu_ps(tile + i * kPairs, rows[i]);
    }
  }

  void LayOutValues(int64_t key) {
    const int64_t row_in_tile = key % kPairs / 2;
    for (int64_t column = 0; column < head_size_; column += kLanes) {
      _mm512_storeu_si512(ValueTile(key - key % kPairs, column) + row_in_tile * kPairs,
                          NarrowInterleaved(Part(key, 2, column), Part(key + 1, 2, column)));
    }
  }

  // Scaled, so that 2 to the power of their products is what the softmax wants.
  void LayOutQueries(int64_t row) {
    const Floats scale =
        _mm512_div_ps(Avx512::Set(1.44269504F), _mm512_sqrt_ps(Avx512::Set(static_cast<float>(head_size_))));
    for (int64_t column = 0; column < head_size_; column += kPairs) {
      Bf16* const tile = QueryTile(column);
      for (int64_t i = 0; i < kTileRows; ++i) {
        const Floats first = _mm512_mul_ps(Part(row + i, 0, column), scale);
        const Floats second = _mm512_mul_ps(Part(row + i, 0, column + kLanes), scale);
        _mm512_storeu_si512(tile + i * kPairs, Narrow(first, second));
      }
    }
  }

  void Score(int64_t key) {
    Tiles::template Zero<0>();
    Tiles::template Zero<1>();
    for (int64_t column = 0; column < head_size_; column += kPairs) {
      Tiles::template Load<4>(QueryTile(column), kTileBytes);
      Tiles::template Load<6>(KeyTile(key, column), kTileBytes);
      Tiles::template MultiplyBf16<0, 4, 6>();
      Tiles::template Load<7>(KeyTile(key + kTileRows, column), kTileBytes);
      Tiles::template MultiplyBf16<1, 4, 7>();
    }
    Tiles::template Store<0>(scores_ + key, padded_ * 4);
    Tiles::template Store<1>(scores_ + key + kLanes, padded_ * 4);
  }

  __mmask16 Within(int64_t key) const {
    const int64_t left = length_ - key;
    return static_cast<__mmask16>(left >= kLanes ? 0xffff : left <= 0 ? 0 : (1U << left) - 1);
  }

  // A row's scores to what its keys weigh, in bf16; returns the inverse of their sum.
  float Soften(int64_t r) {
    const float* const scores = scores_ + r * padded_;
    Bf16* const shares = shares_ + r * padded_;
    Floats greatest = Avx512::Set(scores[0]);
    for (int64_t key = 0; key < length_; key += kLanes)
      greatest = _mm512_mask_max_ps(greatest, Within(key), greatest, _mm512_loadu_ps(scores + key));
    const Floats shift = Avx512::Set(_mm512_reduce_max_ps(greatest));
    Floats sum = _mm512_setzero_ps();
    for (int64_t key = 0; key < padded_; key += kPairs) {
      const Floats first = Share(scores, key, shift), second = Share(scores, key + kLanes, shift);
      sum = _mm512_add_ps(sum, _mm512_add_ps(first, second));
      _mm512_storeu_si512(shares + key, Narrow(first, second));
    }
    return 1 / _mm512_reduce_add_ps(sum);
  }

  Floats Share(const float* scores, int64_t key, Floats shift) const {
    return _mm512_maskz_mov_ps(Within(key),
                               RoughExp2<Avx512>(_mm512_sub_ps(_mm512_loadu_ps(scores + key), shift)));
  }

  void Weigh(int64_t row, int64_t rows, int64_t column, const float* inverse_sums) {
    Tiles::template Zero<0>();
    Tiles::template Zero<1>();
    for (int64_t key = 0; key < padded_; key += kPairs) {
      Tiles::template Load<4>(shares_ + key, padded_ * 2);
      Tiles::template Load<6>(ValueTile(key, column), kTileBytes);
      Tiles::template Load<7>(ValueTile(key, column + kLanes), kTileBytes);
      Tiles::template MultiplyBf16<0, 4, 6>();
      Tiles::template MultiplyBf16<1, 4, 7>();
    }
    alignas(64) float sums[kTileRows][2 * kLanes];
    Tiles::template Store<0>(&sums[0][0], sizeof(sums[0]));
    Tiles::template Store<1>(&sums[0][kLanes], sizeof(sums[0]));
    for (int64_t r = 0; r < rows; ++r) {
      float* const to = merged_ + (row + r) * hidden_ + column;
      _mm512_storeu_ps(to, _mm512_mul_ps(_mm512_load_ps(&sums[r][0]), Avx512::Set(inverse_sums[r])));
      _mm512_storeu_ps(to + kLanes,
                       _mm512_mul_ps(_mm512_load_ps(&sums[r][kLanes]), Avx512::Set(inverse_sums[r])));
    }
  }

  // 0, or not a number: a key of minus infinity would else get no weight and be lost.
  Floats poison_ = _mm512_setzero_ps();
  const int64_t length_, head_size_, hidden_, stride_, padded_;
  const float* const query_key_value_;
  float* const merged_;
  float* const scores_;  // [16, padded]
  Bf16* const keys_;     // [padded / 16][head_size / 32][16 pairs][16 keys][2]
  Bf16* const values_;   // [padded / 32][head_size / 16][16 pairs of keys][16][2]
  Bf16* const shares_;   // [16, padded]
  Bf16* const queries_;  // [head_size / 32][16][32]
};

}  // namespace sluice
