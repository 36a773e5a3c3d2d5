#include "core/base/utf8_boundary.h"

#include <gtest/gtest.h>

#include <iterator>

namespace sluice {
namespace {

// "ä", "€" and "🙂" take two, three and four bytes: a cut inside one goes back to where it begins.
TEST(CutAtCharacter, GoesBackToWhereACharacterBegins) {
  constexpr absl::string_view kText = "aä€🙂";
  const absl::string_view longest[] = {"",    "a",   "a",   "aä",  "aä",    "aä",
                                       "aä€", "aä€", "aä€", "aä€", "aä€🙂", "aä€🙂"};
  for (size_t bytes = 0; bytes < std::size(longest); ++bytes)
    EXPECT_EQ(CutAtCharacter(kText, bytes), longest[bytes]) << bytes;
}

TEST(CutAtCharacter, KeepsNothingOfBytesThatBeginNoCharacter) {
  EXPECT_EQ(CutAtCharacter("\x80\x80\x80\x80", 2), "");
  EXPECT_EQ(CutAtCharacter("\x80\x80", 2), "\x80\x80");
}

}  // namespace
}  // namespace sluice
