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

// A page's plugins escape what was escaped before; at each level a bracket may be one that is meant.
TEST(PlainText, HtmlEscapedHoweverOften) {
  EXPECT_EQ(Plain("&amp;lt;p&amp;gt;Machine&amp;nbsp;learning&amp;lt;/p&amp;gt;"), "Machine learning");
  EXPECT_EQ(Plain("&amp;amp;lt;p&amp;amp;gt;One&amp;amp;lt;/p&amp;amp;gt;"), "One");
  EXPECT_EQ(Plain("<p>R&amp;amp;D in Z&amp;uuml;rich</p>"), "R&D in Zürich");
  EXPECT_EQ(Plain("&lt;p&gt;vector&amp;lt;int&amp;gt;&lt;/p&gt;"), "vector<int>");
  EXPECT_EQ(Plain("K&ouml;ln &ndash; &pound;40,000"), "Köln – £40,000");
}

TEST(PlainLine, ReadsReferencesAndTagsOnOneLine) {
  EXPECT_EQ(PlainLine("Events &amp;amp; Media"), "Events & Media");
  EXPECT_EQ(PlainLine("K&ouml;ln"), "Köln");
  EXPECT_EQ(PlainLine("<b>Data</b> engineer<br>\n(m/f)"), "Data engineer (m/f)");
  EXPECT_EQ(PlainLine("&lt;b&gt;Data&lt;/b&gt;&nbsp; engineer"), "Data engineer");
  for (const char* text : {"R&D  at AT&T; <3", "Lead <Java>", " two  spaces\n"})
    EXPECT_EQ(PlainLine(text), text);
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += "<b>";
  EXPECT_EQ(PlainLine(deep), deep);
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
  // End tags that end nothing hid the depth: this ran for minutes.
  std::string hidden;
  for (int i = 0; i < 50'000; ++i) hidden += "<div></q>";
  EXPECT_EQ(PlainText(hidden).status().code(), absl::StatusCode::kInvalidArgument);
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
