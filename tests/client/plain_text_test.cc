#include "client/cpp/formats/plain_text.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::string Plain(absl::string_view text) {
  const auto plain = PlainText(text);
  EXPECT_TRUE(plain.ok()) << plain.status();
  return plain.ok() ? plain->text() : "";
}

// What is no markup comes back byte for byte, also where it looks a little like it.
TEST(PlainText, LeavesPlainTextAlone) {
  for (const char* text : {"Main duties:\n* Lead\n* Plan 2 * 3 things\n", "C# and C++ < 3 years > none",
                           "a_b __init__ snake_case", "• one\n• two\n\nR&D at AT&T", "#1 in the market",
                           "  indented\n\n\nkept "}) {
    EXPECT_EQ(Plain(text), text);
  }
}

TEST(PlainText, HtmlKeepsLinesWhereBlocksAre) {
  EXPECT_EQ(Plain("<p>Build&nbsp;<b>things</b>\n and more.</p><p>R&amp;D</p>"),
            "Build things and more.\nR&D");
  EXPECT_EQ(Plain("<ul><li>C++</li><li>SQL<br>fast</li></ul>end"), "- C++\n- SQL\nfast\nend");
  EXPECT_EQ(Plain("<div>a<script>evil()</script><style>x{}</style></div><table><tr><td>1</td><td>2</td></"
                  "tr></table>"),
            "a\n1 2");
}

// Feeds escape their HTML once more.
TEST(PlainText, HtmlEscapedTwice) {
  EXPECT_EQ(Plain("&lt;p&gt;One&lt;/p&gt;&lt;p&gt;R&amp;amp;D&lt;/p&gt;"), "One\nR&D");
}

TEST(PlainText, CharacterReferencesAloneKeepTheLines) {
  EXPECT_EQ(Plain("R&amp;D\nand &lt;3"), "R&D\nand <3");
}

TEST(PlainText, Markdown) {
  EXPECT_EQ(Plain("## About\n\n**We** build *good* things.\n\n* C\\+\\+\n+ [our "
                  "site](https://example.org)\n---\n> quoted `code`"),
            "About\n\nWe build good things.\n\n- C++\n- our site\nquoted code");
}

TEST(PlainText, DeepNestingIsAnErrorNotACrash) {
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += "<b>";
  EXPECT_EQ(PlainText(deep + "x").status().code(), absl::StatusCode::kInvalidArgument);
}

// Lines made to cost their square end at once: this test would run for minutes otherwise.
TEST(PlainText, HostileMarkupIsLinear) {
  constexpr size_t kBytes = 250'000;
  std::string brackets = "](";
  while (brackets.size() < kBytes) brackets += "[";
  EXPECT_FALSE(Plain(brackets).empty());
  std::string tags;
  while (tags.size() < kBytes) tags += "<p ";
  EXPECT_EQ(Plain(tags), tags);
  EXPECT_FALSE(Plain("**" + std::string(kBytes, '*')).size() > kBytes);
}

}  // namespace
}  // namespace sluice
