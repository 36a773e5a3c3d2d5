#include "core/base/escape_text.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// Whatever a file holds, a message about it is plain text, and says what was there.
TEST(EscapeText, ShowsWhatSteersAsEscapes) {
  EXPECT_EQ(EscapeText("a\x1b[31m\n\r\t\x07\x7f"), "a\\x1b[31m\\n\\r\\t\\x07\\x7f");
  EXPECT_EQ(EscapeText("\u009B2J \u0085 \u2028"), "\\u009b2J \\u0085 \\u2028");
  EXPECT_EQ(EscapeText("a\u202E\u2066\u200F\u061Cb"), "a\\u202e\\u2066\\u200f\\u061cb");
  EXPECT_EQ(EscapeText("\xFF\xC3(\xED\xA0\x80"), "\\xff\\xc3(\\xed\\xa0\\x80");
  EXPECT_EQ(EscapeText(absl::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(EscapeText("sal\u200Bary\uFEFF"), "sal\\u200bary\\ufeff");
  EXPECT_EQ(EscapeText("Köln 東京 👨\u200D👩 \\x1b"), "Köln 東京 👨\u200D👩 \\x1b");
}

TEST(EscapeText, TwiceIsOnce) {
  const std::string once = EscapeText("\x1b\\ \u202E\xFF\n");
  EXPECT_EQ(EscapeText(once), once);
  EXPECT_EQ(EscapeLines(once), once);
}

TEST(EscapeLines, KeepsNewlinesAlone) {
  EXPECT_EQ(EscapeLines("one\ntwo\r\x1b"), "one\ntwo\\r\\x1b");
}

TEST(SteeringCharacter, IsTheFirstOneAlone) {
  EXPECT_EQ(SteeringCharacter("\u202Eab"), U'\u202E');
  EXPECT_EQ(SteeringCharacter("\x7F"), U'\x7F');
  for (const char* text : {"", "a\u202E", "\u200D", "é", "\xE2\x80", "\xFF"})
    EXPECT_FALSE(SteeringCharacter(text).has_value()) << text;
}

}  // namespace
}  // namespace sluice
