#include "core/documents/page_layout.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;

// Lines of a page that is set by hand: 10 points of type, 12 from line to line.
class Typesetter {
 public:
  Typesetter() {
    page_.width = 600;
    page_.height = 800;
    page_.fonts = {{.name = "Body"}, {.name = "Bold", .bold = true}, {.name = "Mono", .monospace = true}};
  }

  Typesetter& Line(const std::u32string& text, float top, uint16_t font = 0, float size = 10) {
    float left = 50;
    for (const char32_t code : text) {
      page_.glyphs.push_back(
          {.code = code, .box = {left, top, left + 5, top + size}, .font_size = size, .font = font});
      left += 5;
    }
    page_.glyphs.push_back({.code = '\n', .generated = true});
    return *this;
  }
  Page LayOut() const { return LayOutPage(page_); }
  GlyphPage& page() { return page_; }

 private:
  GlyphPage page_;
};

std::vector<std::string> Texts(const Page& page) {
  std::vector<std::string> texts;
  for (const Block& block : page.blocks) {
    std::string text;
    for (const Line& line : block.lines) text += line.text + "|";
    texts.push_back(text);
  }
  return texts;
}

TEST(PageLayout, LinesCloseTogetherAreAParagraphAndAGapEndsIt) {
  const Page page = Typesetter().Line(U"one", 100).Line(U"two", 112).Line(U"three", 140).LayOut();
  EXPECT_THAT(Texts(page), ElementsAre("one|two|", "three|"));
}

TEST(PageLayout, AnotherTypeSizeOrWeightIsAnotherBlock) {
  const Page page = Typesetter()
                        .Line(U"Title", 100, 0, 14)
                        .Line(U"text", 116)
                        .Line(U"Bold", 128, 1)
                        .Line(U"text", 140)
                        .LayOut();
  EXPECT_THAT(Texts(page), ElementsAre("Title|", "text|", "Bold|", "text|"));
  EXPECT_TRUE(page.blocks[2].lines[0].bold);
  EXPECT_FLOAT_EQ(page.blocks[0].lines[0].font_size, 14);
}

TEST(PageLayout, ItemsOfAListAreBlocksOfTheirOwn) {
  const Page page = Typesetter().Line(U"1. one", 100).Line(U"goes on", 112).Line(U"2. two", 124).LayOut();
  EXPECT_THAT(Texts(page), ElementsAre("1. one|goes on|", "2. two|"));
  EXPECT_EQ(page.blocks[0].kind, BlockKind::kListItem);
}

TEST(PageLayout, ANumberThatBeginsASentenceIsNoItem) {
  const Page page = Typesetter().Line(U"in the year", 100).Line(U"2026 came", 112).LayOut();
  EXPECT_EQ(page.blocks.size(), 1u);
}

TEST(PageLayout, TypeOfOneWidthIsCode) {
  const Page page = Typesetter().Line(U"int a;", 100, 2).Line(U"int b;", 112, 2).LayOut();
  ASSERT_EQ(page.blocks.size(), 1u);
  EXPECT_EQ(page.blocks[0].kind, BlockKind::kCode);
}

TEST(PageLayout, LigaturesAreLetters) {
  const Page page = Typesetter().Line(U"o\uFB03ce \uFB01nd", 100).LayOut();
  EXPECT_THAT(Texts(page), ElementsAre("office find|"));
}

TEST(PageLayout, AHyphenAtALinesEndJoinsItsWord) {
  Typesetter set;
  set.Line(U"trans-", 100);
  set.page().glyphs[5].hyphen = true;
  set.Line(U"port", 112);
  const Page page = set.LayOut();
  ASSERT_EQ(page.blocks.size(), 1u);
  EXPECT_TRUE(page.blocks[0].lines[0].joins_next);
  EXPECT_EQ(PageText(page, false), "transport");
}

TEST(PageLayout, ALargePictureIsAFigureAndASmallOneIsNot) {
  Typesetter set;
  set.Line(U"above", 100).Line(U"below", 500);
  set.page().images = {{50, 200, 400, 400}, {10, 10, 20, 20}};
  const Page page = set.LayOut();
  ASSERT_EQ(page.blocks.size(), 3u);
  EXPECT_EQ(page.blocks[1].kind, BlockKind::kFigure);
}

TEST(PageLayout, WhatWasCutIsSaid) {
  Typesetter set;
  set.page().glyphs_cut = true;
  set.page().objects_cut = true;
  EXPECT_THAT(set.LayOut().degraded, ElementsAre("TEXT_CUT", "OBJECTS_CUT"));
}

TEST(PageLayout, TheRawKeyIsOfWhatIsDrawnAndNotOfThePagesNumber) {
  Typesetter set;
  set.Line(U"one", 100);
  const std::string key = RawKey(set.page());
  set.page().number = 9;
  EXPECT_EQ(RawKey(set.page()), key);
  set.page().glyphs[0].box.left += 0.01f;  // a file that was saved anew
  EXPECT_EQ(RawKey(set.page()), key);
  set.page().glyphs[0].code = 'x';
  EXPECT_NE(RawKey(set.page()), key);
}

}  // namespace
}  // namespace sluice
