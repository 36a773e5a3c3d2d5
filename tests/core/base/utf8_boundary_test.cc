#include "core/base/utf8_boundary.h"

#include <gtest/gtest.h>

#include <iterator>
#include <string>

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

TEST(Shortened, SaysWhereItCutAndKeepsTheBound) {
  EXPECT_EQ(Shortened("aä€🙂", 10), "aä€🙂");
  EXPECT_EQ(Shortened("aä€🙂", 9), "aä€…");
  EXPECT_EQ(Shortened("aä€🙂", 8), "aä…");
  EXPECT_EQ(Shortened("aä€🙂", 3), "…");
}

// The table of well-formed sequences in chapter 3 of the Unicode standard, at the edges of each of its rows.
TEST(Utf8, KnowsACharacterFromBytesThatAreNone) {
  for (const absl::string_view character :
       {"a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(FirstCharacterBytes(character), character.size());
    EXPECT_EQ(FirstCharacterBytes(std::string(character) + "a"), character.size());
  }
  for (const absl::string_view broken :
       {"\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xC3", "\xE2\x82", "\xE2\x82 ", "\xF0\x9F\x99"}) {
    EXPECT_EQ(FirstCharacterBytes(broken), 0u) << static_cast<int>(static_cast<unsigned char>(broken[0]));
    EXPECT_FALSE(IsWellFormedUtf8(broken));
    EXPECT_FALSE(IsWellFormedUtf8("a long beginning in ASCII, ä" + std::string(broken)));
  }
  EXPECT_EQ(FirstCharacterBytes(""), 0u);
  EXPECT_TRUE(IsWellFormedUtf8(""));
  EXPECT_TRUE(IsWellFormedUtf8("a long beginning in ASCII, then ä€🙂"));
}

TEST(Utf8, RepairReplacesBytesThatAreNoCharacters) {
  EXPECT_EQ(RepairedUtf8("aä€🙂"), "aä€🙂");
  EXPECT_EQ(RepairedUtf8("\xFF"
                         "caf\xE9 ä\xE2\x82"),
            "\uFFFDcaf\uFFFD ä\uFFFD\uFFFD");
}

// Cut anywhere, and into single bytes.
TEST(Utf8Checker, JudgesPiecesAsTheWhole) {
  for (const absl::string_view text :
       {"", "plain, and so long that it takes more than a word", "aä€🙂", "\xF4\x8F\xBF\xBF", "\x80", "a\xC3",
        "\xC3 a", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x9F\x99", "\xF0\x8F\xBF\xBF", "ä\xFF",
        "ä\xE2\x82ä"}) {
    Utf8Checker by_bytes;
    for (size_t i = 0; i < text.size(); ++i) by_bytes.Accept(text.substr(i, 1));
    EXPECT_EQ(by_bytes.Finish(), IsWellFormedUtf8(text)) << text;
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      Utf8Checker in_two;
      in_two.Accept(text.substr(0, cut));
      in_two.Accept(text.substr(cut));
      EXPECT_EQ(in_two.Finish(), IsWellFormedUtf8(text)) << text << " cut at " << cut;
    }
  }
}

TEST(Utf8Checker, SaysAtOnceWhatCannotBecomeUtf8) {
  Utf8Checker checker;
  EXPECT_TRUE(checker.Accept("a\xE2\x82"));
  EXPECT_FALSE(checker.Finish()) << "the character is not whole yet";
  EXPECT_FALSE(checker.Accept("a"));
  EXPECT_FALSE(checker.Accept("a")) << "and it stays so";
}

}  // namespace
}  // namespace sluice
