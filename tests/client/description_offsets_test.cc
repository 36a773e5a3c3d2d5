// Whatever a description was written in, its text says where each of its words stood.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "client/cpp/formats/plain_text.h"

namespace sluice {
namespace {

MappedText Plain(absl::string_view description) {
  auto text = PlainText(description);
  EXPECT_TRUE(text.ok()) << text.status();
  if (!text.ok()) return {};
  EXPECT_EQ(text->map().text_bytes(), static_cast<int64_t>(text->text().size()));
  return *std::move(text);
}

absl::string_view SourceOf(absl::string_view description, const MappedText& text, ByteRange range) {
  const ByteRange source = text.map().Map(range);
  return description.substr(source.begin, source.size());
}

// What the part `of` of the text was made from; `of` must be there once.
std::string SourceOf(absl::string_view description, absl::string_view of) {
  const MappedText text = Plain(description);
  const size_t begin = text.text().find(std::string(of));
  EXPECT_NE(begin, std::string::npos) << "no '" << of << "' in '" << text.text() << "'";
  if (begin == std::string::npos) return "";
  return std::string(
      SourceOf(description, text, {static_cast<int64_t>(begin), static_cast<int64_t>(begin + of.size())}));
}

// Each run of letters of the text stands, letter for letter, where the map says. The number of runs.
int ExpectWordsAreFound(const std::string& description) {
  const MappedText text = Plain(description);
  const std::string& all = text.text();
  int words = 0;
  for (size_t begin = 0, end = 0; begin < all.size(); begin = end + 1) {
    for (end = begin; end < all.size() && absl::ascii_isalpha(all[end]);) ++end;
    if (begin == end) continue;
    ++words;
    const ByteRange range{static_cast<int64_t>(begin), static_cast<int64_t>(end)};
    EXPECT_EQ(SourceOf(description, text, range), all.substr(begin, end - begin)) << "in the text\n"
                                                                                  << all << "\nof\n"
                                                                                  << description;
    if (testing::Test::HasFailure()) break;
  }
  return words;
}

class Snippets {
 public:
  explicit Snippets(int seed) : random_(seed) {}

  std::string Html() {
    std::string html = "<p>";
    for (int i = Below(12); i >= 0; --i) absl::StrAppend(&html, HtmlPiece(3));
    return html;
  }

  std::string References() {
    std::string text = "&amp;";
    for (int i = Below(12); i >= 0; --i)
      absl::StrAppend(&text, Word(), Reference(), OneOf({" ", "\n", "\r\n"}));
    return text;
  }

  std::string Markdown() {
    std::string text = "**x**\n";
    for (int i = Below(12); i >= 0; --i)
      absl::StrAppend(&text, MarkdownLine(), OneOf({"\n", "\n\n", "\r\n"}));
    return text;
  }

 private:
  int Below(int end) { return static_cast<int>(random_() % end); }
  std::string OneOf(const std::vector<std::string>& choices) { return choices[Below(choices.size())]; }

  std::string Word() {
    std::string word;
    for (int i = Below(8); i >= 0; --i) word += static_cast<char>('a' + Below(26));
    return word;
  }

  std::string Reference() {
    return OneOf({"&amp;",     "&lt; ",     "&gt;",      "&quot;",  "&nbsp;",   "&eacute;",
                  "&#233;",    "&#xE9;",    "&bull;",    "&#8226;", "&mdash;",  "&euro;",
                  "&#x1F600;", "&amp;amp;", "&amp;lt; ", "&rsquo;", "&hellip;", "&#38;",
                  "&nosuch;",  "& ",        "&",         "&#;"});
  }

  std::string HtmlPiece(int depth) {
    switch (Below(depth > 0 ? 9 : 3)) {
      case 0:
        return absl::StrCat(
            Word(), OneOf({" ", "\n  ", "\t", ", ", "é", "\r\n", "  ", "•", "\xC2\xA0", "\x02", "\xC2\x96"}));
      case 1:
        return absl::StrCat(Word(), Reference(), Word(), " ");
      case 2:
        return OneOf({"<br>", "<br/>", "<hr>", "<!-- not this -->", "<script>nor(this)</script>", "</b>",
                      "</p>", "</nosuch>", " < ", "<img alt=\"a > b\">", "<style>p{}</style>"});
      case 3:
        return absl::StrCat("<ul><li>", HtmlPiece(depth - 1), "</li><li>", HtmlPiece(depth - 1), "</ul>");
      case 4:
        return absl::StrCat("<table>", HtmlPiece(depth - 1), "<tr><td>", HtmlPiece(depth - 1), "<td>",
                            HtmlPiece(depth - 1), "</table>");
      case 5:
        return absl::StrCat("<pre>\n", HtmlPiece(depth - 1), "\n", HtmlPiece(depth - 1), "</pre>");
      case 6:
        return absl::StrCat("<b><i>", HtmlPiece(depth - 1), "</b>", HtmlPiece(depth - 1), "</i>");
      default: {
        const std::string tag =
            OneOf({"p", "div", "span", "h2", "strong", "a href='x?a=1&amp;b=2'", "em", "td"});
        return absl::StrCat("<", tag, ">", HtmlPiece(depth - 1), HtmlPiece(depth - 1), "</",
                            tag.substr(0, tag.find(' ')), ">");
      }
    }
  }

  std::string MarkdownLine() {
    return absl::StrCat(
        OneOf({"", "", "# ", "### ", "* ", "+ ", "  * ", "> ", "1. ", "---\n", "```\n"}), Word(),
        OneOf({" ", " **", "** ", " *", "* ", " `", "` ", " C\\+\\+ ", " \\- ", " [", "](x) ", " é "}),
        Word(), " ",
        OneOf({"[two words](https://example.org/a_b)", "![a picture](x.png)", "&amp;", "*soft*", ""}),
        OneOf({"", " ", "   "}));
  }

  std::mt19937 random_;
};

TEST(DescriptionOffsets, OfHtml) {
  int words = 0;
  for (int seed = 0; seed < 3000 && !HasFailure(); ++seed)
    words += ExpectWordsAreFound(Snippets(seed).Html());
  EXPECT_GT(words, 10'000);
}

// Feeds escape their HTML once more: references of references.
TEST(DescriptionOffsets, OfHtmlEscapedTwice) {
  int words = 0;
  for (int seed = 0; seed < 1000 && !HasFailure(); ++seed) {
    words += ExpectWordsAreFound(absl::StrReplaceAll(
        Snippets(seed).Html(), {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}}));
  }
  EXPECT_GT(words, 3'000);
}

TEST(DescriptionOffsets, OfTextWithReferences) {
  int words = 0;
  for (int seed = 0; seed < 1000 && !HasFailure(); ++seed)
    words += ExpectWordsAreFound(Snippets(seed).References());
  EXPECT_GT(words, 3'000);
}

TEST(DescriptionOffsets, OfMarkdown) {
  int words = 0;
  for (int seed = 0; seed < 2000 && !HasFailure(); ++seed)
    words += ExpectWordsAreFound(Snippets(seed).Markdown());
  EXPECT_GT(words, 10'000);
}

TEST(DescriptionOffsets, OfPlainTextAreItsOwn) {
  const std::string text = "Main duties:\n* Lead\n• Plan 2 * 3 things at AT&T\n";
  EXPECT_EQ(Plain(text).map(), OffsetMap::Identity(static_cast<int64_t>(text.size())));
}

// A character that was written as a reference is mapped to all of the reference, and to no more.
TEST(DescriptionOffsets, AReferenceCountsWhole) {
  for (const char* reference :
       {"&amp;",    "&amp",     "&AMP;",     "&#38;",           "&#038;",  "&#x26;",  "&lt;",
        "&lt",      "&eacute;", "&eacute",   "&#233;",          "&#xe9",   "&euro;",  "&#128;",
        "&hellip;", "&copy",    "&#x1F600;", "&NotEqualTilde;", "&fjlig;", "&rsquo;", "&zwj;"}) {
    const std::string description = absl::StrCat("<p>one ", reference, " two</p>");
    const MappedText text = Plain(description);
    const auto size = static_cast<int64_t>(text.text().size());
    EXPECT_EQ(SourceOf(description, text, {4, size - 4}), reference) << text.text();
    EXPECT_EQ(SourceOf(description, text, {size - 3, size}), "two");
  }
  EXPECT_EQ(SourceOf("<p>R&amp;D and AT&T, a &unknown; one</p>", "R&D"), "R&amp;D");
  EXPECT_EQ(SourceOf("<p>R&amp;D and AT&T, a &unknown; one</p>", "AT&T"), "AT&T");
  EXPECT_EQ(SourceOf("<p>a &unknown; one</p>", "&unknown;"), "&unknown;");
  EXPECT_EQ(SourceOf("<p>&copy2026 by us</p>", "2026"), "2026");
  EXPECT_EQ(SourceOf("<p>&amp;amp; more</p>", "&"), "&amp;amp;");
  EXPECT_EQ(SourceOf("&lt;p&gt;R&amp;amp;D now&lt;/p&gt;", "R&D"), "R&amp;amp;D");
}

// A quote that runs over markup is where all of it stood.
TEST(DescriptionOffsets, AQuoteRunsOverMarkup) {
  EXPECT_EQ(SourceOf("<p>Build <b>great</b> things</p>", "Build great things"), "Build <b>great</b> things");
  EXPECT_EQ(SourceOf("<ul><li>C++</li>\n<li>SQL</li></ul>", "C++\n- SQL"), "C++</li>\n<li>SQL");
  EXPECT_EQ(SourceOf("<p>two   \n spaces</p>", "two spaces"), "two   \n spaces");
  EXPECT_EQ(SourceOf("## **Great** [place](http://x) to be", "Great place"), "Great** [place");
  EXPECT_EQ(SourceOf("**x** C\\+\\+ here", "C++"), "C\\+\\+");
}

// Text that HTML puts elsewhere is still found where it was written.
TEST(DescriptionOffsets, TextMovedOutOfATable) {
  const std::string description = "<table><tr><td>cell</td></tr>moved &amp; more</table>";
  EXPECT_EQ(Plain(description).text().substr(0, 5), "moved");
  EXPECT_EQ(SourceOf(description, "moved & more"), "moved &amp; more");
  EXPECT_EQ(SourceOf(description, "cell"), "cell");
}

// HTML has no place for control characters and noncharacters: U+FFFD stands for each in the text.
TEST(DescriptionOffsets, CharactersThatHtmlReplaces) {
  for (const char* forbidden : {"\x01", "\x0B", "\x1F", "\x7F", "\xC2\x96", "\xEF\xB7\x90", "\xEF\xBF\xBE",
                                "\xF0\x9F\xBF\xBF", "\xEF\xBF\xBD"}) {
    const std::string description = absl::StrCat("<p>Pay &amp; perks ", forbidden, " work from home, Remote");
    EXPECT_EQ(SourceOf(description, "perks"), "perks");
    EXPECT_EQ(SourceOf(description, "Remote"), "Remote");
    EXPECT_EQ(SourceOf(description, "\xEF\xBF\xBD"), forbidden);
  }
}

// Where an element that swallows what follows is left open, it ends with the description.
TEST(DescriptionOffsets, AnElementLeftOpenEndsWithTheDescription) {
  const std::string description = "Skills &amp; tools\nC++\nHello <title> Remote";
  EXPECT_NE(Plain(description).text().find("tools\nC++"), std::string::npos);
  EXPECT_EQ(SourceOf(description, "Remote"), "Remote");
  const std::string unaligned = "a &amp; <xmp>x &amp;\r\nb";
  EXPECT_LE(Plain(unaligned).map().source_end(), static_cast<int64_t>(unaligned.size()));
}

// HTML passes over tags in some places and reads text as it stands in others; ranges stay right or, where
// both come together, hold more than was asked for.
TEST(DescriptionOffsets, WhereTagsAreNoTags) {
  EXPECT_EQ(SourceOf("<p>one</nosuch> two &amp; three", "three"), "three");
  EXPECT_EQ(SourceOf("<p><select>one<p>two &amp; three</select>", "three"), "three");
  EXPECT_EQ(SourceOf("<p><xmp>1 < 2 &amp; two</xmp>", "& two"), "&amp; two");
  EXPECT_EQ(SourceOf("<p>1 < 2 and 3 > 2 &amp; so on", "1 < 2"), "1 < 2");
  EXPECT_EQ(SourceOf(absl::string_view("<p>nul\0 &amp; void</p>", 23), "void"), "void");
}

}  // namespace
}  // namespace sluice
