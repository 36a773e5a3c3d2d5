#include "core/documents/page_decision.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr int kFewCharacters = 10;      // Tika's bound
constexpr double kMostUnmapped = 0.04;  // MinerU's
constexpr double kMostGarbled = 0.03;   // MinerU's, where there are enough to tell
constexpr int kEnoughToTell = 30;
constexpr double kHiddenLayer = 0.5;
constexpr float kLargeImage = 0.25f;  // beyond, an image may hold text of its own
constexpr float kWholeImage = 0.65f;  // Marker's
constexpr float kLeastInk = 0.0005f;  // dust on a blank page stays below

bool IsSpace(char32_t code) {
  return code == ' ' || code == '\n' || code == '\r' || code == '\t' || code == 0xa0 || code == 0x3000;
}

bool IsGarbled(char32_t code) {
  return code == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xfffd || code == 0xfffe ||
         (code >= 0xe000 && code <= 0xf8ff) || code >= 0xf0000;
}

double Share(int part, int whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / whole;
}

}  // namespace

PageSignals SignalsOf(const GlyphPage& page) {
  PageSignals signals;
  for (const Glyph& glyph : page.glyphs) {
    if (glyph.generated || IsSpace(glyph.code)) continue;
    ++signals.characters;
    signals.unmapped += glyph.unmapped ? 1 : 0;
    signals.garbled += IsGarbled(glyph.code) ? 1 : 0;
    signals.invisible += glyph.invisible ? 1 : 0;
  }
  const float area = page.width * page.height;
  float covered = 0;
  for (const Box& image : page.images) {
    const float width = std::min(image.right, page.width) - std::max(image.left, 0.0f);
    const float height = std::min(image.bottom, page.height) - std::max(image.top, 0.0f);
    if (width > 0 && height > 0) covered += width * height;
  }
  signals.image_share = area > 0 ? std::min(covered / area, 1.0f) : 0;
  signals.drawings = static_cast<int>(page.drawings.size());
  return signals;
}

bool NeedsInk(const PageSignals& signals) {
  return signals.characters < kFewCharacters;
}

PageDecision DecidePage(const PageSignals& signals, float ink) {
  if (signals.characters < kFewCharacters) {
    const bool nothing_drawn = signals.image_share == 0 && signals.drawings == 0 && signals.characters == 0;
    if (nothing_drawn || (ink >= 0 && ink < kLeastInk)) return {PageSource::kBlank, "EMPTY", 1};
    if (signals.image_share >= kLargeImage) return {PageSource::kWhole, "IMAGE", 0.95f};
    if (signals.characters == 0 && signals.drawings > 0) return {PageSource::kWhole, "CURVES", 0.8f};
    if (signals.image_share > 0) return {PageSource::kRegions, "FEW_CHARACTERS", 0.6f};
    return {PageSource::kText, "FEW_CHARACTERS", 0.6f};
  }
  if (signals.characters >= kEnoughToTell) {
    if (Share(signals.unmapped, signals.characters) >= kMostUnmapped) {
      return {PageSource::kWhole, "UNMAPPED_FONT", 0.9f};
    }
    if (Share(signals.garbled, signals.characters) >= kMostGarbled) {
      return {PageSource::kWhole, "GARBLED", 0.9f};
    }
  }
  if (Share(signals.invisible, signals.characters) >= kHiddenLayer) {
    return {PageSource::kText, "HIDDEN_LAYER", 0.7f};
  }
  if (signals.image_share >= kWholeImage) return {PageSource::kRegions, "IMAGE", 0.7f};
  if (signals.image_share >= kLargeImage) return {PageSource::kRegions, "IMAGE", 0.6f};
  return {PageSource::kText, "TEXT_LAYER", 1};
}

}  // namespace sluice
