#include "core/base/error_details.h"
#include "core/documents/page.h"
#include "gtest/gtest.h"

namespace sluice {
namespace {

Page Sample() {
  Page page{.number = 7, .width = 595, .height = 842, .rotation = 90};
  Block block{.kind = BlockKind::kHeading, .level = 2, .box = {1, 2, 3, 4}};
  block.lines.push_back({.box = {1, 2, 3, 4}, .text = "Größe", .font_size = 12, .bold = true});
  block.lines.push_back({.text = "trans-", .italic = true, .monospace = true, .joins_next = true});
  page.blocks = {block, {.kind = BlockKind::kFigure}};
  page.decision = {PageSource::kRegions, "IMAGE", 0.5f};
  page.degraded = {"NEEDS_OCR", "TEXT_CUT"};
  page.language = "de";
  page.label = "vii";
  page.raw_key = std::string(32, 'k');
  return page;
}

TEST(PageCodec, APageComesBackAsItWas) {
  EXPECT_EQ(*DecodePage(EncodePage(Sample())), Sample());
  EXPECT_EQ(*DecodePage(EncodePage(Page())), Page());
}

TEST(PageCodec, FactsComeBackAsTheyWere) {
  const DocumentFacts facts{.format = "pdf",
                            .pages = 3,
                            .title = "T",
                            .author = "A",
                            .outline = {{.level = 2, .title = "One", .page = 2, .top = 10}}};
  EXPECT_EQ(*DecodeFacts(EncodeFacts(facts)), facts);
}

TEST(PageCodec, APageThatIsCutAnywhereIsDataLoss) {
  const std::string bytes = EncodePage(Sample());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const absl::StatusOr<Page> page = DecodePage(bytes.substr(0, size));
    EXPECT_EQ(page.status().code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_EQ(ReasonOf(page.status()), "DAMAGED_RECORD");
  }
  EXPECT_FALSE(DecodePage(bytes + "x").ok());
}

// Each byte in turn is as large as it gets: counts and lengths among them ask for memory that is not there.
TEST(PageCodec, NoCountIsBelieved) {
  const std::string bytes = EncodePage(Sample());
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = '\xff';
    const absl::StatusOr<Page> page = DecodePage(damaged);
    if (!page.ok()) {
      EXPECT_EQ(page.status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

TEST(PageText, JoinsDividedWordsAndSetsBlocksApart) {
  Page page;
  Block first{.kind = BlockKind::kParagraph};
  first.lines.push_back({.text = "a trans-", .joins_next = true});
  first.lines.push_back({.text = "port is"});
  first.lines.push_back({.text = "well-known"});
  Block head{.kind = BlockKind::kRunningHead};
  head.lines.push_back({.text = "Head"});
  page.blocks = {head, first, {.kind = BlockKind::kFigure}};
  EXPECT_EQ(PageText(page, false), "a transport is\nwell-known");
  EXPECT_EQ(PageText(page, true), "Head\n\na transport is\nwell-known");
}

// An edition that moves a page changes its number, and nothing that is paid for dearly.
TEST(PageText, TheBodyKeyLeavesHeadsAndNumbersOut) {
  Page page;
  Block text{.kind = BlockKind::kParagraph};
  text.lines.push_back({.text = "text"});
  Block number{.kind = BlockKind::kPageNumber};
  number.lines.push_back({.text = "7"});
  page.blocks = {text, number};
  Page moved = page;
  moved.blocks[1].lines[0].text = "8";
  EXPECT_EQ(BodyKey(page), BodyKey(moved));
  moved.blocks[0].lines[0].text = "other";
  EXPECT_NE(BodyKey(page), BodyKey(moved));
}

}  // namespace
}  // namespace sluice
