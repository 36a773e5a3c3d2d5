#include "client/cpp/formats/terminal_text.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/utf8.h"

namespace sluice {
namespace {

std::string Repeated(absl::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) absl::StrAppend(&out, text);
  return out;
}

// What a posting says cannot move the cursor, and wide characters count twice.
TEST(FitColumns, CutsByCellsAndDisarmsControls) {
  EXPECT_EQ(FitColumns("a\x1b[31mb\nc", 20), "a [31mb c");
  EXPECT_EQ(FitColumns("abcdef", 4), "abc…");
  EXPECT_EQ(FitColumns("abcd", 4), "abcd");
  EXPECT_EQ(FitColumns("日本語", 5), "日本…");
  EXPECT_EQ(FitColumns("x\u202Ey\u2067z\u009B", 9), "x y z ");
  EXPECT_TRUE(IsUtf8(FitColumns("\xFF\xC3", 9)));
}

// Marks take no cell of their own: a title of nothing else would fill the screen within one.
TEST(FitColumns, BoundsMarksAndBytes) {
  const std::string mark = "\u0301";
  EXPECT_EQ(FitColumns("e" + Repeated(mark, 50'000) + "f", 20), "e" + Repeated(mark, 8) + "f");
  const std::string tower = Repeated("e" + Repeated(mark, 8), 1000);
  EXPECT_LE(FitColumns(tower, 80).size(), 80u * kMaxBytesPerColumn + 3);
  EXPECT_TRUE(IsUtf8(FitColumns(tower, 80)));
  // Scripts and emoji that need several code points a cell are whole.
  const std::string family = "👨\u200D👩\u200D👧\u200D👦 हिन्दी שָׁלוֹם กำลังใจ";
  EXPECT_EQ(FitColumns(family, 80), family);
}

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

TEST(EscapeName, CutsWhatIsLong) {
  EXPECT_EQ(EscapeName("\x1bname"), "\\x1bname");
  EXPECT_EQ(EscapeName(std::string(1 << 20, 'x')), std::string(kMaxNameColumns - 1, 'x') + "…");
  EXPECT_LE(EscapeName(Repeated("\u0301", 50'000)).size(), 80u * kMaxBytesPerColumn);
}

// Every error about an input goes through here.
TEST(InputErrors, ArePlainTextOnOneLine) {
  const InputPlace place{"jobs\x1b]0;x\x07.csv", 3};
  EXPECT_EQ(ColumnError(place, "\x1b[31mpay\n", "\u202Eunknown").message(),
            "jobs\\x1b]0;x\\x07.csv:3: column '\\x1b[31mpay\\n': \\u202eunknown");
  EXPECT_LE(
      ColumnError({"jobs.csv", 1}, std::string(100'000, 'c'), std::string(100'000, 'm')).message().size(),
      1200u);
}

}  // namespace
}  // namespace sluice
