#include "core/documents/page_decision.h"

#include "gtest/gtest.h"

namespace sluice {
namespace {

PageSource Source(const PageSignals& signals, float ink = -1) {
  return DecidePage(signals, ink).source;
}
std::string Reason(const PageSignals& signals, float ink = -1) {
  return DecidePage(signals, ink).reason;
}

TEST(PageDecision, APageOfTextIsReadAsItIs) {
  EXPECT_EQ(Source({.characters = 2000}), PageSource::kText);
  EXPECT_EQ(Reason({.characters = 2000}), "TEXT_LAYER");
}

TEST(PageDecision, NothingOnAPageIsBlankAndSoIsDust) {
  EXPECT_EQ(Source({}), PageSource::kBlank);
  EXPECT_EQ(Source({.image_share = 1}, 0.0001f), PageSource::kBlank);
}

TEST(PageDecision, AScanNeedsTheWholePageRead) {
  EXPECT_EQ(Source({.image_share = 1}, 0.05f), PageSource::kWhole);
  EXPECT_EQ(Reason({.image_share = 1}, 0.05f), "IMAGE");
}

// It has neither characters nor pictures, and looks blank to whoever counts those.
TEST(PageDecision, TextDrawnAsCurvesIsFoundByItsInk) {
  EXPECT_EQ(Reason({.drawings = 300}, 0.04f), "CURVES");
  EXPECT_EQ(Source({.drawings = 300}, 0.0f), PageSource::kBlank);
}

TEST(PageDecision, FontsThatDoNotSayWhatTheyDrawAreNotBelieved) {
  EXPECT_EQ(Reason({.characters = 100, .unmapped = 5}), "UNMAPPED_FONT");
  EXPECT_EQ(Reason({.characters = 100, .unmapped = 3}), "TEXT_LAYER");
  EXPECT_EQ(Reason({.characters = 100, .garbled = 5}), "GARBLED");
}

TEST(PageDecision, ALargePictureBesideTextIsReadAlone) {
  EXPECT_EQ(Source({.characters = 500, .image_share = 0.4f}), PageSource::kRegions);
  EXPECT_EQ(Source({.characters = 500, .image_share = 0.1f}), PageSource::kText);
}

TEST(PageDecision, TheLayerThatOcrLeftIsTrustedAndSaid) {
  const PageDecision decision = DecidePage({.characters = 120, .invisible = 100, .image_share = 1}, -1);
  EXPECT_EQ(decision.source, PageSource::kText);
  EXPECT_EQ(decision.reason, "HIDDEN_LAYER");
  EXPECT_LT(decision.score, 1);
}

TEST(PageDecision, OnlyAPageWithFewCharactersIsLookedAtForInk) {
  EXPECT_TRUE(NeedsInk({.characters = 9}));
  EXPECT_FALSE(NeedsInk({.characters = 10}));
}

TEST(PageDecision, SignalsCountWhatIsDrawn) {
  GlyphPage page{.width = 100, .height = 100};
  page.glyphs = {{.code = 'a'},
                 {.code = ' '},
                 {.code = '\n', .generated = true},
                 {.code = 0xe001, .unmapped = true},
                 {.code = 'b', .invisible = true}};
  page.images = {{0, 0, 50, 50}, {90, 90, 200, 200}};
  const PageSignals signals = SignalsOf(page);
  EXPECT_EQ(signals.characters, 3);
  EXPECT_EQ(signals.unmapped, 1);
  EXPECT_EQ(signals.garbled, 1);
  EXPECT_EQ(signals.invisible, 1);
  EXPECT_FLOAT_EQ(signals.image_share, 0.26f) << "no more of a picture than lies on the page";
}

}  // namespace
}  // namespace sluice
