// Avx2: the vectors of AVX2 with FMA, for vector_math.h and vector_kernels.h. As Avx512, lane by lane.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace sluice {

struct Avx2 {
  using Floats = __m256;
  using Integers = __m256i;

  static constexpr int64_t kLanes = 8;
  // 16 registers.
  static constexpr int kQueries = 4;
  static constexpr int kScoredQueries = 4;
  static constexpr int kScoredVectors = 2;

  static Floats Set(float x) { return _mm256_set1_ps(x); }
  static Floats Load(const float* from) { return _mm256_loadu_ps(from); }
  static void Store(float* to, Floats x) { _mm256_storeu_ps(to, x); }
  static Floats FromIntegers(Integers x) { return _mm256_cvtepi32_ps(x); }

  static Floats MultiplyAdd(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }
  static Floats MultiplySubtract(Floats a, Floats b, Floats c) { return _mm256_fmsub_ps(a, b, c); }
  static Floats SubtractProduct(Floats c, Floats a, Floats b) { return _mm256_fnmadd_ps(a, b, c); }
  static Floats Min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
  static Floats Max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
  static Floats Clamp(Floats x, Floats most) { return Min(most, Max(-most, x)); }
  static Floats Sqrt(Floats x) { return _mm256_sqrt_ps(x); }
  static Floats Round(Floats x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  // The instruction's 2^-12 is not enough after one step of Newton's.
  static Floats Inverse(Floats x) { return Set(1) / x; }
  // By the bits of 2^n, n at most 127; what n below -126 gives is 0.
  static Floats Scale(Floats x, Floats n) {
    const Integers exponent = _mm256_cvtps_epi32(Max(Set(-127), n) + Set(127));
    return x * _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }
  static Floats KeepFirst(Floats x, int64_t count) {
    const Integers lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const int bound = static_cast<int>(count < kLanes ? count : kLanes);
    return _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(bound), lanes)));
  }

  static float Least(Floats x) {
    const __m128 four = _mm_min_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_min_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_min_ss(two, _mm_movehdup_ps(two)));
  }
  static float Greatest(Floats x) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
  }
  static float Sum(Floats x) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  static float First(Floats x) { return _mm256_cvtss_f32(x); }

  static Integers NoIntegers() { return _mm256_setzero_si256(); }
  static Integers LoadIntegers(const int16_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const Integers*>(from));
  }
  static void StoreIntegers(int16_t* to, Integers x) {
    _mm256_storeu_si256(reinterpret_cast<Integers*>(to), x);
  }
  static Integers AsIntegers(Floats x) { return _mm256_castps_si256(x); }
  static Floats AsFloats(Integers x) { return _mm256_castsi256_ps(x); }
  static float AsFloat(int32_t bits) { return _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(bits))); }
  static Integers ToIntegers(Floats x) { return _mm256_cvtps_epi32(x); }
  static Integers Magnitude(Floats x) {
    return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
  }
  static Integers Add(Integers a, Integers b) { return _mm256_add_epi32(a, b); }
  static Integers MaxIntegers(Integers a, Integers b) { return _mm256_max_epi32(a, b); }
  static int32_t GreatestInteger(Integers x) {
    const __m128i four = _mm_max_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    const __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
  }
  static Integers SetPair(const int16_t* pair) {
    int32_t bits;
    __builtin_memcpy(&bits, pair, sizeof(bits));
    return _mm256_set1_epi32(bits);
  }
  static void AddProducts(Integers& sum, Integers a, Integers b) {
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
  }
  static Integers PackShorts(Integers a, Integers b) { return _mm256_packs_epi32(a, b); }
  static Integers Interleave(Integers a, Integers b) {
    return _mm256_blend_epi16(a, _mm256_slli_epi32(b, 16), 0xaa);
  }
  static Integers LoadShorts(const int16_t* from) {
    return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  }
  static void StoreShorts(int16_t* to, Integers x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                     _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
  }

  static Integers SetShorts(int16_t x) { return _mm256_set1_epi16(x); }
  static void StoreBytes(const Floats (&x)[4], Integers zero, uint8_t* to) {
    Integers values[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) values[i] = _mm256_cvtps_epi32(x[i]);
    const Integers low = _mm256_add_epi16(_mm256_packs_epi32(values[0], values[1]), zero);
    const Integers high = _mm256_add_epi16(_mm256_packs_epi32(values[2], values[3]), zero);
    const Integers order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256(reinterpret_cast<Integers*>(to),
                        _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order));
  }

  static void Transpose(Floats (&rows)[kLanes]) {
    Floats pairs[kLanes], fours[kLanes];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
      pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
    }
#pragma GCC unroll 2
    for (int i = 0; i < kLanes; i += 4) {
      fours[i] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0x44);
      fours[i + 1] = _mm256_shuffle_ps(pairs[i], pairs[i + 2], 0xee);
      fours[i + 2] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0x44);
      fours[i + 3] = _mm256_shuffle_ps(pairs[i + 1], pairs[i + 3], 0xee);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      rows[i] = _mm256_permute2f128_ps(fours[i], fours[4 + i], 0x20);
      rows[4 + i] = _mm256_permute2f128_ps(fours[i], fours[4 + i], 0x31);
    }
  }
};

}  // namespace sluice
