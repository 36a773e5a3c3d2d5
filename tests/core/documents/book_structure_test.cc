#include "core/documents/book_structure.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

constexpr float kBody = 10;

Line LineAt(const std::string& text, float top, float size = kBody, bool bold = false) {
  return {.box = {50, top, 300, top + size}, .text = text, .font_size = size, .bold = bold};
}

Block BlockWith(std::vector<Line> lines) {
  Block block{.box = lines.front().box};
  block.lines = std::move(lines);
  return block;
}

Page PageWith(int number, std::vector<Block> blocks) {
  Page page{.number = number, .width = 600, .height = 800};
  page.blocks = std::move(blocks);
  return page;
}

// What there is on every page, so that the body's type is known.
Block Body() {
  return BlockWith({LineAt("a line of the body's own type, as there are many of them", 400),
                    LineAt("and another one, so that nobody takes it for a heading", 412)});
}

std::vector<Page> Structured(const DocumentFacts& facts, std::vector<Page> pages) {
  BookStructure book(facts);
  for (const Page& page : pages) book.Observe(page);
  book.Conclude();
  for (Page& page : pages) book.Apply(page);
  return pages;
}

TEST(BookStructure, WhatRepeatsAtTheTopIsARunningHeadWhateverItsNumber) {
  std::vector<Page> pages;
  for (int number = 1; number <= 8; ++number) {
    pages.push_back(
        PageWith(number, {BlockWith({LineAt(absl::StrCat("Chapter ", number, ". Tools"), 20)}), Body()}));
  }
  for (const Page& page : Structured({}, pages)) EXPECT_EQ(page.blocks[0].kind, BlockKind::kRunningHead);
}

TEST(BookStructure, ALineThatStandsThereTwiceIsNone) {
  std::vector<Page> pages;
  for (int number = 1; number <= 8; ++number) {
    const std::string text =
        number % 4 == 1 ? "Twice" : absl::StrCat("Only here, ", std::string(number, 'x'));
    pages.push_back(PageWith(number, {BlockWith({LineAt(text, 20)}), Body()}));
  }
  EXPECT_EQ(Structured({}, pages)[0].blocks[0].kind, BlockKind::kParagraph);
}

TEST(BookStructure, ANumberAtTheFootIsThePagesAlsoWhereItClosesAParagraph) {
  Page page = PageWith(12, {BlockWith({LineAt("last line", 770), LineAt("12", 782)})});
  const Page structured = Structured({}, {page})[0];
  ASSERT_EQ(structured.blocks.size(), 2u);
  EXPECT_EQ(structured.blocks[0].kind, BlockKind::kParagraph);
  EXPECT_EQ(structured.blocks[1].kind, BlockKind::kPageNumber);
  EXPECT_EQ(PageText(structured, false), "last line");
}

TEST(BookStructure, ANumberInTheMiddleOfAPageIsText) {
  const Page page = Structured({}, {PageWith(12, {BlockWith({LineAt("12", 400)})})})[0];
  EXPECT_EQ(page.blocks[0].kind, BlockKind::kParagraph);
}

TEST(BookStructure, AnOutlinesEntryIsAHeadingWhereItStandsOnItsPage) {
  const DocumentFacts facts{.outline = {{.level = 2, .title = "The Version", .page = 1},
                                        {.level = 1, .title = "Not there", .page = 1}}};
  const Page page = Structured(
      facts, {PageWith(1, {BlockWith({LineAt("3.2 The version", 100), LineAt("follows at once.", 112)}),
                           Body()})})[0];
  ASSERT_EQ(page.blocks.size(), 3u);
  EXPECT_EQ(page.blocks[0].kind, BlockKind::kHeading);
  EXPECT_EQ(page.blocks[0].level, 2);
  EXPECT_EQ(page.blocks[1].lines[0].text, "follows at once.");
}

TEST(BookStructure, WithAnOutlineLargeTypeAloneIsNoHeading) {
  const DocumentFacts facts{.outline = {{.level = 1, .title = "Elsewhere", .page = 2}}};
  const Page page = Structured(facts, {PageWith(1, {BlockWith({LineAt("Shout", 100, 20)}), Body()})})[0];
  EXPECT_EQ(page.blocks[0].kind, BlockKind::kParagraph);
}

TEST(BookStructure, WithoutAnOutlineTypeAndNumbersTell) {
  const Page page =
      Structured({}, {PageWith(1, {BlockWith({LineAt("Introduction", 100, 18)}),
                                   BlockWith({LineAt("2.3 Scope", 130, 12, true)}), Body()})})[0];
  EXPECT_EQ(page.blocks[0].kind, BlockKind::kHeading);
  EXPECT_EQ(page.blocks[0].level, 1);
  EXPECT_EQ(page.blocks[1].kind, BlockKind::kHeading);
  EXPECT_EQ(page.blocks[1].level, 2);
  EXPECT_EQ(page.blocks[2].kind, BlockKind::kParagraph);
}

TEST(BookStructure, ALineOfTheTableOfContentsIsNone) {
  const Page page = Structured(
      {}, {PageWith(1, {BlockWith({LineAt("2.3 Scope . . . . . 17", 130, 12, true)}), Body()})})[0];
  EXPECT_EQ(page.blocks[0].kind, BlockKind::kParagraph);
}

TEST(BookStructure, WhatTheReaderCalledAHeadingStaysOne) {
  Block heading = BlockWith({LineAt("From Markdown", 0)});
  heading.kind = BlockKind::kHeading;
  heading.level = 3;
  Page page{.number = 1};
  page.blocks = {heading};
  const Page structured = Structured({}, {page})[0];
  EXPECT_EQ(structured.blocks[0].kind, BlockKind::kHeading);
  EXPECT_EQ(structured.blocks[0].level, 3);
}

}  // namespace
}  // namespace sluice
