#include "core/inference/cpu/huge_page_slab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/base/config.h"
#ifdef ABSL_HAVE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace sluice {
namespace {

using testing::AllOf;
using testing::Each;
using testing::SizeIs;

constexpr size_t kMebibyte = size_t{1} << 20;

template <typename T>
bool StartsALine(absl::Span<T> array) {
  return reinterpret_cast<uintptr_t>(array.data()) % 64 == 0;
}

TEST(HugePageSlabTest, GivesZerosOnLinesOfTheirOwn) {
  HugePageSlab slab;
  const absl::Span<int8_t> bytes = slab.Take<int8_t>(3);
  const absl::Span<float> floats = slab.Take<float>(1000);
  EXPECT_THAT(bytes, AllOf(SizeIs(3), Each(0)));
  EXPECT_THAT(floats, AllOf(SizeIs(1000), Each(0.0F)));
  EXPECT_TRUE(StartsALine(bytes));
  EXPECT_TRUE(StartsALine(floats));
}

// What is asked for in small pieces adds up to more than one block; a piece may be larger than any.
TEST(HugePageSlabTest, ArraysNeverOverlap) {
  HugePageSlab slab;
  std::vector<absl::Span<uint8_t>> arrays;
  for (size_t i = 0; i < 10; ++i) {
    arrays.push_back(slab.Take<uint8_t>(3 * kMebibyte + i));
    if (i == 4) arrays.push_back(slab.Take<uint8_t>(17 * kMebibyte));
  }
  for (size_t i = 0; i < arrays.size(); ++i) absl::c_fill(arrays[i], static_cast<uint8_t>(i + 1));
  for (size_t i = 0; i < arrays.size(); ++i)
    EXPECT_TRUE(absl::c_all_of(arrays[i], [i](uint8_t byte) { return byte == i + 1; })) << i;
}

#ifdef ABSL_HAVE_ADDRESS_SANITIZER
TEST(HugePageSlabTest, ReadingOnBehindAnArrayIsCaught) {
  HugePageSlab slab;
  const absl::Span<float> first = slab.Take<float>(16);
  slab.Take<float>(16);
  EXPECT_FALSE(__asan_address_is_poisoned(&first.back()));
  EXPECT_TRUE(__asan_address_is_poisoned(&first.back() + 1));
}
#endif

TEST(HugePageSlabTest, BeginsOnAHugePage) {
  HugePageSlab slab;
  EXPECT_EQ(reinterpret_cast<uintptr_t>(slab.Take<float>(1).data()) % (2 * kMebibyte), 0);
}

}  // namespace
}  // namespace sluice
