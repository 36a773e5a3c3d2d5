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

// 2^n p(x - n), n the nearest integer; Cephes' polynomial, relative error 2e-7. Underflows to 0; x is finite.
static inline Floats Exp2(Floats x) {
  const Floats n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT);
  const Floats f = _mm512_sub_ps(x, n);
  Floats p = Set(1.535336188e-4F);
  p = _mm512_fmadd_ps(p, f, Set(1.339887440e-3F));
  p = _mm512_fmadd_ps(p, f, Set(9.618437357e-3F));
  p = _mm512_fmadd_ps(p, f, Set(5.550332471e-2F));
  p = _mm512_fmadd_ps(p, f, Set(2.402264791e-1F));
  p = _mm512_fmadd_ps(p, f, Set(6.931472028e-1F));
  return _mm512_scalef_ps(_mm512_fmadd_ps(p, f, Set(1)), n);
}

// x Phi(x), absolute error 1.1e-5: a hundredth of a step of what is quantized next at the least. A minimax
// polynomial for Phi within 4.6 of zero, by tests/golden/make_gelu_polynomial.py; 0 and 1 beyond.
static inline Floats Gelu(Floats x) {
  const Floats t = _mm512_min_ps(Set(4.6F), _mm512_max_ps(Set(-4.6F), x));
  const Floats u = _mm512_fmsub_ps(t, t, Set(4.6F * 4.6F / 2));
  Floats p = Set(-1.10848559e-12F);
  p = _mm512_fmadd_ps(p, u, Set(3.57931462e-11F));
  p = _mm512_fmadd_ps(p, u, Set(-5.28988298e-10F));
  p = _mm512_fmadd_ps(p, u, Set(7.80665133e-09F));
  p = _mm512_fmadd_ps(p, u, Set(-1.43471283e-07F));
  p = _mm512_fmadd_ps(p, u, Set(2.35663038e-06F));
  p = _mm512_fmadd_ps(p, u, Set(-3.42951753e-05F));
  p = _mm512_fmadd_ps(p, u, Set(0.000483639596F));
  p = _mm512_fmadd_ps(p, u, Set(-0.00716028037F));
  p = _mm512_fmadd_ps(p, u, Set(0.153543442F));
  return _mm512_mul_ps(x, _mm512_fmadd_ps(t, p, Set(0.5F)));
}

static inline Floats GeluTanh(Floats x) {
  const Floats cube = _mm512_mul_ps(_mm512_mul_ps(x, x), x);
  const Floats argument =
      _mm512_mul_ps(_mm512_fmadd_ps(cube, Set(0.044715F), x), Set(-2 * 0.79788456F * 1.44269504F));
  const Floats bounded = _mm512_min_ps(_mm512_max_ps(Set(-150), argument), Set(115));
  return _mm512_mul_ps(x, Inverse(_mm512_add_ps(Exp2(bounded), Set(1))));
}

// What 16 outputs' sums are turned into numbers with.
struct OutputTerms {
  OutputTerms(const QuantizedWeights& weights, int64_t column)
      : scales(_mm512_loadu_ps(weights.scales + column)),
        sums(_mm512_loadu_ps(weights.sums + column)),
        bias(_mm512_loadu_ps(weights.bias + column)) {}

  Floats scales, sums, bias;
};

// From the sum of a row's products with 16 outputs' weights to those outputs; `zero` and `row_scale` are the
// row's.
template <Int8Epilogue epilogue>
static inline void Finish(Integers sum, float zero, float row_scale, const OutputTerms& terms, float* y) {
  const Floats shifted = _mm512_fnmadd_ps(Set(zero), terms.sums, _mm512_cvtepi32_ps(sum));
  Floats product = _mm512_fmadd_ps(shifted, _mm512_mul_ps(Set(row_scale), terms.scales), terms.bias);
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
