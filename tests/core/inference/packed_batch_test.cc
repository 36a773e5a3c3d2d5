#include "core/inference/packed_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace sluice {
namespace {

using testing::ElementsAre;

// Texts stand end to end, shortest first, equal lengths next to each other in the caller's order; the rest of
// the rung is padding.
TEST(PackTexts, LaysTextsEndToEndByLength) {
  const std::vector<int32_t> a = {11, 12, 13}, b = {21, 22}, c = {31, 32, 33};
  const PackedBatch batch = PackTexts({a, b, c});
  EXPECT_EQ(batch.tokens, 8);
  EXPECT_EQ(batch.ids.size(), 64u);
  EXPECT_EQ(batch.positions.size(), 64u);
  EXPECT_THAT(batch.order, ElementsAre(1, 0, 2));
  EXPECT_THAT(std::vector(batch.ids.begin(), batch.ids.begin() + 9),
              ElementsAre(21, 22, 11, 12, 13, 31, 32, 33, 0));
  EXPECT_THAT(std::vector(batch.positions.begin(), batch.positions.begin() + 9),
              ElementsAre(0, 1, 0, 1, 2, 0, 1, 2, 0));
  ASSERT_EQ(batch.groups.size(), 2u);
  EXPECT_EQ(batch.groups[0].first_row, 0);
  EXPECT_EQ(batch.groups[0].texts, 1);
  EXPECT_EQ(batch.groups[0].length, 2);
  EXPECT_EQ(batch.groups[1].first_row, 2);
  EXPECT_EQ(batch.groups[1].first_text, 1);
  EXPECT_EQ(batch.groups[1].texts, 2);
  EXPECT_EQ(batch.groups[1].length, 3);
}

TEST(CheckFinite, NamesTheFirstTextWhoseVectorIsNotFinite) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(CheckFinite({1, 2, 3, 4}, 2), absl::OkStatus());
  const absl::Status status = CheckFinite({1, 2, 3, nan, nan, 6}, 2);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(status.message(), "the vector of text 1 is not finite");
}

}  // namespace
}  // namespace sluice
