#include "client/cpp/formats/words.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Words, AreFoundWholeWhereverTheyStandInAList) {
  for (const absl::string_view word : {"hr", "img", "br"}) EXPECT_TRUE(IsOneOf(word, "hr img br")) << word;
  for (const absl::string_view word : {"", "h", "r", "mg", "hr img", " ", "b", "hrs"})
    EXPECT_FALSE(IsOneOf(word, "hr img br")) << word;
  EXPECT_TRUE(IsOneOf("br", "brr abr br")) << "behind words that hold it";
  EXPECT_FALSE(IsOneOf("a", ""));
}

TEST(Words, OfDigitsHaveOneAtLeast) {
  EXPECT_TRUE(AllDigits("0"));
  EXPECT_TRUE(AllDigits("0123456789"));
  for (const absl::string_view text : {"", "1 ", "-1", "1.0", "x", "٣"})
    EXPECT_FALSE(AllDigits(text)) << text;
}

}  // namespace
}  // namespace sluice
