// Avx512: the vectors of AVX-512, for vector_math.h and vector_kernels.h.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace sluice {

struct Avx512 {
  using Floats = __m512;
  using Integers = __m512i;

  static constexpr int64_t kLanes = 16;  // floats of a vector
  // What attention keeps in the 32 registers.
  static constexpr int kQueries = 12;       // that values are weighed for at once
  static constexpr int kScoredQueries = 6;  // that scores are computed for at once, with …
  static constexpr int kScoredVectors = 4;  // … so many vectors of keys

  static Floats Set(float x) { return _mm512_set1_ps(x); }
  static Floats Load(const float* from) { return _mm512_loadu_ps(from); }
  static void Store(float* to, Floats x) { _mm512_storeu_ps(to, x); }
  static Floats FromIntegers(Integers x) { return _mm512_cvtepi32_ps(x); }

  static Floats MultiplyAdd(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }
  static Floats MultiplySubtract(Floats a, Floats b, Floats c) { return _mm512_fmsub_ps(a, b, c); }
  static Floats SubtractProduct(Floats c, Floats a, Floats b) { return _mm512_fnmadd_ps(a, b, c); }
  // The second where either is a NaN.
  static Floats Min(Floats a, Floats b) { return _mm512_min_ps(a, b); }
  static Floats Max(Floats a, Floats b) { return _mm512_max_ps(a, b); }
  // Within `most` of zero; `most` is positive.
  static Floats Clamp(Floats x, Floats most) { return _mm512_range_ps(x, most, 2); }
  static Floats Sqrt(Floats x) { return _mm512_sqrt_ps(x); }
  static Floats Round(Floats x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT); }
  // Relative error 2^-27: the instruction's 2^-14 after one step of Newton's.
  static Floats Inverse(Floats x) {
    const Floats guess = _mm512_rcp14_ps(x);
    return guess * _mm512_fnmadd_ps(guess, x, Set(2));
  }
  // x 2^n for an integer n; underflows to 0.
  static Floats Scale(Floats x, Floats n) { return _mm512_scalef_ps(x, n); }
  // The first `count` lanes, of 1 or more; zeros behind.
  static Floats KeepFirst(Floats x, int64_t count) {
    return _mm512_maskz_mov_ps(static_cast<__mmask16>(count >= kLanes ? 0xffff : (1U << count) - 1), x);
  }

  static float Least(Floats x) { return _mm512_reduce_min_ps(x); }
  static float Greatest(Floats x) { return _mm512_reduce_max_ps(x); }
  static float Sum(Floats x) { return _mm512_reduce_add_ps(x); }

  static float First(Floats x) { return _mm512_cvtss_f32(x); }

  static Integers NoIntegers() { return _mm512_setzero_si512(); }
  static Integers LoadIntegers(const int16_t* from) { return _mm512_loadu_si512(from); }
  static void StoreIntegers(int16_t* to, Integers x) { _mm512_storeu_si512(to, x); }
  static Integers AsIntegers(Floats x) { return _mm512_castps_si512(x); }
  static Floats AsFloats(Integers x) { return _mm512_castsi512_ps(x); }
  static float AsFloat(int32_t bits) { return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(bits))); }
  static Integers ToIntegers(Floats x) { return _mm512_cvtps_epi32(x); }
  // The bits of |x|, which are ordered as numbers are, infinity and NaN above all.
  static Integers Magnitude(Floats x) {
    return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
  }
  static Integers Add(Integers a, Integers b) { return _mm512_add_epi32(a, b); }
  static Integers MaxIntegers(Integers a, Integers b) { return _mm512_max_epi32(a, b); }
  static int32_t GreatestInteger(Integers x) { return _mm512_reduce_max_epi32(x); }
  // Two numbers of 16 bits, again and again.
  static Integers SetPair(const int16_t* pair) {
    int32_t bits;
    __builtin_memcpy(&bits, pair, sizeof(bits));
    return _mm512_set1_epi32(bits);
  }
  // sum[i] += a[2 i] b[2 i] + a[2 i + 1] b[2 i + 1]. By hand, as in int8_kernels_avx512.cc.
  static void AddProducts(Integers& sum, Integers a, Integers b) {
    asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  }
  // In 16 bits, parts of either in turns.
  static Integers PackShorts(Integers a, Integers b) { return _mm512_packs_epi32(a, b); }
  // a[0], b[0], a[1], … in 16 bits.
  static Integers Interleave(Integers a, Integers b) {
    return _mm512_mask_blend_epi16(0xaaaaaaaa, a, _mm512_slli_epi32(b, 16));
  }
  static Integers LoadShorts(const int16_t* from) {
    return _mm512_cvtepi16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
  }
  static void StoreShorts(int16_t* to, Integers x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtepi32_epi16(x));
  }

  static Integers SetShorts(int16_t x) { return _mm512_set1_epi16(x); }
  // Rounded, `zero` added, in bytes; what is out of their range becomes the nearest of them.
  static void StoreBytes(const Floats (&x)[4], Integers zero, uint8_t* to) {
    Integers values[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) values[i] = _mm512_cvtps_epi32(x[i]);
    const Integers low = _mm512_add_epi16(_mm512_packs_epi32(values[0], values[1]), zero);
    const Integers high = _mm512_add_epi16(_mm512_packs_epi32(values[2], values[3]), zero);
    const Integers order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(to, _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high)));
  }

  // In place: row i becomes column i.
  static void Transpose(Floats (&rows)[kLanes]) {
    __m512i pairs[kLanes];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      pairs[2 * i] = _mm512_castps_si512(_mm512_unpacklo_ps(rows[2 * i], rows[2 * i + 1]));
      pairs[2 * i + 1] = _mm512_castps_si512(_mm512_unpackhi_ps(rows[2 * i], rows[2 * i + 1]));
    }
    __m512 fours[kLanes];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      fours[4 * i] = _mm512_castsi512_ps(_mm512_unpacklo_epi64(pairs[4 * i], pairs[4 * i + 2]));
      fours[4 * i + 1] = _mm512_castsi512_ps(_mm512_unpackhi_epi64(pairs[4 * i], pairs[4 * i + 2]));
      fours[4 * i + 2] = _mm512_castsi512_ps(_mm512_unpacklo_epi64(pairs[4 * i + 1], pairs[4 * i + 3]));
      fours[4 * i + 3] = _mm512_castsi512_ps(_mm512_unpackhi_epi64(pairs[4 * i + 1], pairs[4 * i + 3]));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const Floats low_even = _mm512_shuffle_f32x4(fours[i], fours[4 + i], 0x88);
      const Floats low_odd = _mm512_shuffle_f32x4(fours[i], fours[4 + i], 0xdd);
      const Floats high_even = _mm512_shuffle_f32x4(fours[8 + i], fours[12 + i], 0x88);
      const Floats high_odd = _mm512_shuffle_f32x4(fours[8 + i], fours[12 + i], 0xdd);
      rows[i] = _mm512_shuffle_f32x4(low_even, high_even, 0x88);
      rows[4 + i] = _mm512_shuffle_f32x4(low_odd, high_odd, 0x88);
      rows[8 + i] = _mm512_shuffle_f32x4(low_even, high_even, 0xdd);
      rows[12 + i] = _mm512_shuffle_f32x4(low_odd, high_odd, 0xdd);
    }
  }
};

}  // namespace sluice
