// What the kernels in AVX-512 share. For sources compiled for it only: everything is static, so that no copy
// of a function compiled for one kind of processor is linked into what runs on another.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "core/inference/cpu/int8_kernels.h"

namespace sluice {

using Floats = __m512;
using Integers = __m512i;

constexpr int64_t kLanes = 16;  // floats of a vector

static inline Floats Set(float x) {
  return _mm512_set1_ps(x);
}

// Relative error 2^-27: the instruction's 2^-14 after one step of Newton's.
static inline Floats Inverse(Floats x) {
  const Floats guess = _mm512_rcp14_ps(x);
  return _mm512_mul_ps(guess, _mm512_fnmadd_ps(guess, x, Set(2)));
}

// 2^n p(r) with x ln2^-1 = n + r; Cephes' polynomial, relative error 2e-7. Underflows to 0.
static inline Floats Exp(Floats x) {
  x = _mm512_max_ps(Set(-104), x);  // in this order: a NaN stays one
  const Floats n = _mm512_roundscale_ps(_mm512_mul_ps(x, Set(1.44269504F)), _MM_FROUND_TO_NEAREST_INT);
  Floats r = _mm512_fnmadd_ps(n, Set(0.693359375F), x);
  r = _mm512_fnmadd_ps(n, Set(-2.12194440e-4F), r);
  Floats p = Set(1.9875691500e-4F);
  p = _mm512_fmadd_ps(p, r, Set(1.3981999507e-3F));
  p = _mm512_fmadd_ps(p, r, Set(8.3334519073e-3F));
  p = _mm512_fmadd_ps(p, r, Set(4.1665795894e-2F));
  p = _mm512_fmadd_ps(p, r, Set(1.6666665459e-1F));
  p = _mm512_fmadd_ps(p, r, Set(5.0000001201e-1F));
  p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, Set(1)));
  return _mm512_scalef_ps(p, n);
}

// x Phi(x); Abramowitz and Stegun 7.1.26 for the error function, absolute error 1.5e-7.
static inline Floats Gelu(Floats x) {
  const Floats half_square = _mm512_mul_ps(_mm512_mul_ps(x, x), Set(-0.5F));
  const Floats t = Inverse(_mm512_fmadd_ps(_mm512_abs_ps(x), Set(0.3275911F * 0.70710678F), Set(1)));
  Floats p = Set(1.061405429F);
  p = _mm512_fmadd_ps(p, t, Set(-1.453152027F));
  p = _mm512_fmadd_ps(p, t, Set(1.421413741F));
  p = _mm512_fmadd_ps(p, t, Set(-0.284496736F));
  p = _mm512_fmadd_ps(p, t, Set(0.254829592F));
  const Floats tail = _mm512_mul_ps(_mm512_mul_ps(p, t), _mm512_mul_ps(Exp(half_square), Set(0.5F)));
  const __mmask16 negative = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ);
  return _mm512_mul_ps(x, _mm512_mask_mov_ps(_mm512_sub_ps(Set(1), tail), negative, tail));
}

static inline Floats GeluTanh(Floats x) {
  const Floats cube = _mm512_mul_ps(_mm512_mul_ps(x, x), x);
  const Floats argument = _mm512_mul_ps(_mm512_fmadd_ps(cube, Set(0.044715F), x), Set(-2 * 0.79788456F));
  return _mm512_mul_ps(x, Inverse(_mm512_add_ps(Exp(_mm512_min_ps(argument, Set(80))), Set(1))));
}

// From the sum of a row's products with 16 outputs' weights to those outputs; `zero` and `row_scale` are the
// row's.
template <Int8Epilogue epilogue>
static inline void Finish(Integers sum, Floats zero, Floats row_scale, const QuantizedWeights& weights,
                          int64_t column, float* y) {
  const Floats scale = _mm512_mul_ps(row_scale, _mm512_loadu_ps(weights.scales + column));
  const Floats shifted =
      _mm512_fnmadd_ps(zero, _mm512_loadu_ps(weights.sums + column), _mm512_cvtepi32_ps(sum));
  Floats product = _mm512_fmadd_ps(shifted, scale, _mm512_loadu_ps(weights.bias + column));
  if constexpr (epilogue == Int8Epilogue::kAdd) product = _mm512_add_ps(product, _mm512_loadu_ps(y));
  if constexpr (epilogue == Int8Epilogue::kGelu) product = Gelu(product);
  if constexpr (epilogue == Int8Epilogue::kGeluTanh) product = GeluTanh(product);
  if constexpr (epilogue == Int8Epilogue::kRelu) product = _mm512_max_ps(_mm512_setzero_ps(), product);
  _mm512_storeu_ps(y, product);
}

// Calls `body` with the epilogue as a template argument.
template <typename Body>
static inline void WithEpilogue(Int8Epilogue epilogue, Body body) {
  switch (epilogue) {
    case Int8Epilogue::kStore:
      return body.template operator()<Int8Epilogue::kStore>();
    case Int8Epilogue::kAdd:
      return body.template operator()<Int8Epilogue::kAdd>();
    case Int8Epilogue::kGelu:
      return body.template operator()<Int8Epilogue::kGelu>();
    case Int8Epilogue::kGeluTanh:
      return body.template operator()<Int8Epilogue::kGeluTanh>();
    case Int8Epilogue::kRelu:
      return body.template operator()<Int8Epilogue::kRelu>();
  }
}

// Rows i of `from`, 16 floats each, become columns: to[j][i] = from[i][j]. In place.
static inline void Transpose(Floats (&rows)[kLanes]) {
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

}  // namespace sluice
