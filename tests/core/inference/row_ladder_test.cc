#include "core/inference/row_ladder.h"

#include <gtest/gtest.h>

#include <set>

namespace sluice {
namespace {

TEST(RowLadder, StepsBy64UpTo2048ThenBySixteenthsOfAnOctave) {
  EXPECT_EQ(RowsOnLadder(0), 64);
  EXPECT_EQ(RowsOnLadder(1), 64);
  EXPECT_EQ(RowsOnLadder(64), 64);
  EXPECT_EQ(RowsOnLadder(65), 128);
  EXPECT_EQ(RowsOnLadder(1024), 1024);
  EXPECT_EQ(RowsOnLadder(1025), 1088);
  EXPECT_EQ(RowsOnLadder(2048), 2048);
  EXPECT_EQ(RowsOnLadder(2049), 2176);
  EXPECT_EQ(RowsOnLadder(4097), 4352);
}

// No text is cut, padding stays within one step, and above 1,024 rows within 6.25 %.
TEST(RowLadder, PaddingIsBounded) {
  for (int64_t tokens = 1; tokens <= 20'000; ++tokens) {
    const int64_t padding = PaddingRows(tokens);
    ASSERT_GE(padding, 0) << tokens;
    ASSERT_LE(padding, tokens <= 1024 ? 63 : tokens / 16) << tokens;
  }
}

// The whole point: few distinct row counts, all of them known beforehand.
TEST(RowLadder, ListsEveryRungAndNothingElse) {
  std::set<int64_t> seen;
  for (int64_t tokens = 1; tokens <= 4096; ++tokens) seen.insert(RowsOnLadder(tokens));
  const std::vector<int64_t> ladder = RowLadder(4096);
  EXPECT_EQ(std::vector<int64_t>(seen.begin(), seen.end()), ladder);
  EXPECT_EQ(ladder.size(), 48u);
  EXPECT_EQ(RowLadder(1), std::vector<int64_t>{64});
}

}  // namespace
}  // namespace sluice
