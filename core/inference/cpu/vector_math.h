// Functions of vectors that the kernels share, once for each kind of vector V (avx512_vector.h,
// avx2_vector.h).
//
// For sources compiled for one kind of processor only. V makes each instantiation that kind's own: no copy of
// a function compiled for one is linked into what runs on another. So nothing here may be inline but by V.
#pragma once

#include <cstdint>

#include "core/inference/cpu/int8_kernels.h"

namespace sluice {

// 2^n p(x - n), n the nearest integer; Cephes' polynomial, relative error 2e-7. Underflows to 0; x is finite,
// and below 127.5.
template <typename V>
inline typename V::Floats Exp2(typename V::Floats x) {
  const auto n = V::Round(x);
  const auto f = x - n;
  auto p = V::Set(1.535336188e-4F);
  p = V::MultiplyAdd(p, f, V::Set(1.339887440e-3F));
  p = V::MultiplyAdd(p, f, V::Set(9.618437357e-3F));
  p = V::MultiplyAdd(p, f, V::Set(5.550332471e-2F));
  p = V::MultiplyAdd(p, f, V::Set(2.402264791e-1F));
  p = V::MultiplyAdd(p, f, V::Set(6.931472028e-1F));
  return V::Scale(V::MultiplyAdd(p, f, V::Set(1)), n);
}

// As Exp2 for what is rounded to few bits next: a minimax cubic, relative error 8e-5.
template <typename V>
inline typename V::Floats RoughExp2(typename V::Floats x) {
  const auto n = V::Round(x);
  const auto f = x - n;
  auto p = V::MultiplyAdd(V::Set(0.05517167F), f, V::Set(0.24261112F));
  p = V::MultiplyAdd(p, f, V::Set(0.69326099F));
  return V::Scale(V::MultiplyAdd(p, f, V::Set(0.99992807F)), n);
}

// x Phi(x), absolute error 7.5e-5: a hundredth of a step of rows that reach 2 when they are quantized next. A
// minimax polynomial for Phi within 4.2 of zero, by tests/golden/make_gelu_polynomial.py; 0 and 1 beyond.
template <typename V>
inline typename V::Floats Gelu(typename V::Floats x) {
  const auto t = V::Clamp(x, V::Set(4.2F));
  const auto u = V::MultiplySubtract(t, t, V::Set(4.2F * 4.2F / 2));
  auto p = V::Set(-9.01753339e-10F);
  p = V::MultiplyAdd(p, u, V::Set(2.37391529e-08F));
  p = V::MultiplyAdd(p, u, V::Set(-3.08515212e-07F));
  p = V::MultiplyAdd(p, u, V::Set(3.9291258e-06F));
  p = V::MultiplyAdd(p, u, V::Set(-5.52755919e-05F));
  p = V::MultiplyAdd(p, u, V::Set(0.00071920536F));
  p = V::MultiplyAdd(p, u, V::Set(-0.00924846623F));
  p = V::MultiplyAdd(p, u, V::Set(0.167854562F));
  return x * V::MultiplyAdd(t, p, V::Set(0.5F));
}

template <typename V>
inline typename V::Floats GeluTanh(typename V::Floats x) {
  const auto argument =
      V::MultiplyAdd(x * x * x, V::Set(0.044715F), x) * V::Set(-2 * 0.79788456F * 1.44269504F);
  const auto bounded = V::Min(V::Max(V::Set(-150), argument), V::Set(115));
  return x * V::Inverse(Exp2<V>(bounded) + V::Set(1));
}

// What the sums of a vector of outputs are turned into numbers with.
template <typename V>
struct OutputTerms {
  OutputTerms(const QuantizedWeights& weights, int64_t column)
      : scales(V::Load(weights.scales + column)),
        sums(V::Load(weights.sums + column)),
        bias(V::Load(weights.bias + column)) {}

  typename V::Floats scales, sums, bias;
};

// From the sums of a row's products with the outputs' weights to those outputs; `zero` and `row_scale` are
// the row's.
template <typename V, Int8Epilogue epilogue>
inline void Finish(typename V::Integers sum, float zero, float row_scale, const OutputTerms<V>& terms,
                   float* y) {
  const auto shifted = V::SubtractProduct(V::FromIntegers(sum), V::Set(zero), terms.sums);
  auto product = V::MultiplyAdd(shifted, V::Set(row_scale) * terms.scales, terms.bias);
  if constexpr (epilogue == Int8Epilogue::kAdd) product = product + V::Load(y);
  if constexpr (epilogue == Int8Epilogue::kGelu) product = Gelu<V>(product);
  if constexpr (epilogue == Int8Epilogue::kGeluTanh) product = GeluTanh<V>(product);
  if constexpr (epilogue == Int8Epilogue::kRelu) product = V::Max(V::Set(0), product);
  V::Store(y, product);
}

// Calls `body` with the epilogue as a template argument.
template <typename Body>
inline void WithEpilogue(Int8Epilogue epilogue, Body body) {
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

}  // namespace sluice
