#include "core/inference/cpu/tensor_floats.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

template <typename Bits>
bool Finite(TensorType type, const std::vector<Bits>& bits) {
  return AllFinite({.type = type,
                    .data = reinterpret_cast<const std::byte*>(bits.data()),
                    .bytes = static_cast<int64_t>(bits.size() * sizeof(Bits))});
}

// The largest number is one, the next bit pattern an infinity, and all beyond it are NaN; of either sign.
TEST(AllFinite, KnowsInfinitiesAndNaNsOfEveryType) {
  EXPECT_TRUE(Finite<uint32_t>(TensorType::kF32, {0, 0x7f7fffff, 0xff7fffff}));
  for (const uint32_t broken : {0x7f800000U, 0xff800000U, 0x7f800001U, 0xffffffffU})
    EXPECT_FALSE(Finite<uint32_t>(TensorType::kF32, {0, 1, broken, 2})) << broken;
  EXPECT_TRUE(Finite<uint16_t>(TensorType::kF16, {0, 0x7bff, 0xfbff}));
  EXPECT_TRUE(Finite<uint16_t>(TensorType::kBf16, {0, 0x7c00, 0x7f7f, 0xff7f}));
  for (const uint16_t broken : {uint16_t{0x7c00}, uint16_t{0xfc00}, uint16_t{0x7c01}})
    EXPECT_FALSE(Finite<uint16_t>(TensorType::kF16, {broken, 0})) << broken;
  for (const uint16_t broken : {uint16_t{0x7f80}, uint16_t{0xff80}, uint16_t{0x7f81}})
    EXPECT_FALSE(Finite<uint16_t>(TensorType::kBf16, {0, broken})) << broken;
}

}  // namespace
}  // namespace sluice
