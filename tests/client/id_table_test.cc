#include "client/cpp/formats/id_table.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

TEST(IdTable, NumbersIdsAsTheyCome) {
  IdTable ids;
  EXPECT_EQ(ids.Add("a"), std::nullopt);
  EXPECT_EQ(ids.Add(""), std::nullopt);
  EXPECT_EQ(ids.Add("a"), 0);
  EXPECT_EQ(ids.Add(""), 1);
  EXPECT_EQ(ids.size(), 2);
}

// However often its parts grew, each id is found under its own number, and none that was not there.
TEST(IdTable, FindsEachOfMany) {
  constexpr int64_t kIds = 100'000;
  IdTable ids;
  for (int64_t i = 0; i < kIds; ++i)
    ASSERT_EQ(ids.Add(absl::StrCat("https://example.org/jobs/", i)), std::nullopt);
  for (int64_t i = 0; i < kIds; ++i) ASSERT_EQ(ids.Add(absl::StrCat("https://example.org/jobs/", i)), i);
  EXPECT_EQ(ids.size(), kIds);
}

}  // namespace
}  // namespace sluice
