#include "client/cpp/formats/terminal_text.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "client/cpp/formats/input_place.h"
#include "core/base/utf8_boundary.h"

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
  EXPECT_TRUE(IsWellFormedUtf8(FitColumns("\xFF\xC3", 9)));
}

// Marks take no cell of their own: a title of nothing else would fill the screen within one.
TEST(FitColumns, BoundsMarksAndBytes) {
  const std::string mark = "\u0301";
  EXPECT_EQ(FitColumns("e" + Repeated(mark, 50'000) + "f", 20), "e" + Repeated(mark, 8) + "f");
  const std::string tower = Repeated("e" + Repeated(mark, 8), 1000);
  EXPECT_LE(FitColumns(tower, 80).size(), 80u * kMaxBytesPerColumn + 3);
  EXPECT_TRUE(IsWellFormedUtf8(FitColumns(tower, 80)));
  // Scripts and emoji that need several code points a cell are whole.
  const std::string family = "👨\u200D👩\u200D👧\u200D👦 हिन्दी שָׁלוֹם กำลังใจ";
  EXPECT_EQ(FitColumns(family, 80), family);
}

TEST(EscapeName, CutsWhatIsLong) {
  EXPECT_EQ(EscapeName("\x1bname"), "\\x1bname");
  EXPECT_EQ(EscapeName(std::string(1 << 20, 'x')), std::string(kMaxNameColumns - 1, 'x') + "…");
  EXPECT_LE(EscapeName(Repeated("\u0301", 50'000)).size(), 80u * kMaxBytesPerColumn);
  EXPECT_EQ(EscapeName("é" + Repeated("\u20DD", 1000)), "é" + Repeated("\u20DD", kMaxMarksPerCharacter));
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
