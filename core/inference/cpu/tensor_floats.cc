#include "core/inference/cpu/tensor_floats.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace sluice {
namespace {

template <typename Bits>
Bits BitsAt(const std::byte* data, size_t index) {
  Bits bits;
  std::memcpy(&bits, data + index * sizeof(Bits), sizeof(Bits));
  return bits;
}

float FromBf16(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

// IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits.
float FromF16(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  float magnitude = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  if (exponent == 0) magnitude = std::ldexp(static_cast<float>(fraction), -24);
  if (exponent == 31) magnitude = fraction == 0 ? INFINITY : NAN;
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

float FloatAt(const TensorView& tensor, size_t index) {
  switch (tensor.type) {
    case TensorType::kBf16:
      return FromBf16(BitsAt<uint16_t>(tensor.data, index));
    case TensorType::kF16:
      return FromF16(BitsAt<uint16_t>(tensor.data, index));
    default:
      return BitsAt<float>(tensor.data, index);
  }
}

// An infinity and a NaN have all bits of the exponent set. Without a branch in the loop, which runs over
// every weight at start.
template <typename Bits, Bits exponent>
bool AllFinite(const std::byte* data, size_t count) {
  unsigned broken = 0;
  for (size_t i = 0; i < count; ++i)
    broken |= static_cast<unsigned>((BitsAt<Bits>(data, i) & exponent) == exponent);
  return broken == 0;
}

size_t CountOf(const TensorView& tensor) {
  return static_cast<size_t>(tensor.bytes / TensorTypeBytes(tensor.type));
}

}  // namespace

AlignedVector<float> FloatsOf(const TensorView& tensor) {
  AlignedVector<float> floats(CountOf(tensor));
  for (size_t i = 0; i < floats.size(); ++i) floats[i] = FloatAt(tensor, i);
  return floats;
}

bool AllFinite(const TensorView& tensor) {
  const size_t count = CountOf(tensor);
  if (tensor.type == TensorType::kF32) return AllFinite<uint32_t, 0x7f800000>(tensor.data, count);
  return tensor.type == TensorType::kBf16 ? AllFinite<uint16_t, 0x7f80>(tensor.data, count)
                                          : AllFinite<uint16_t, 0x7c00>(tensor.data, count);
}

const float* FloatsInPlace(const TensorView& tensor) {
  const bool aligned = reinterpret_cast<uintptr_t>(tensor.data) % alignof(float) == 0;
  return tensor.type == TensorType::kF32 && aligned ? reinterpret_cast<const float*>(tensor.data) : nullptr;
}

}  // namespace sluice
