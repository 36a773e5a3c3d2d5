// GlyphPage: a page as its format draws it, before anybody has looked for lines: plain values, so that layout
// and decisions are tested without the library that read them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/documents/page.h"

namespace sluice {

struct FontFace {
  std::string name;
  bool bold = false;
  bool italic = false;
  bool monospace = false;
  bool operator==(const FontFace&) const = default;
};

struct Glyph {
  char32_t code = 0;  // 0: the font does not say
  Box box;            // from the font's descent to its ascent; as shown, like everything here
  float font_size = 0;
  uint16_t font = 0;       // in GlyphPage::fonts
  bool generated = false;  // not drawn: a space or a line end that the reader found by geometry
  bool hyphen = false;     // at a line's end, and divides a word
  bool unmapped = false;   // its font does not say what it is
  bool invisible = false;  // drawn with nothing: the layer that OCR leaves
  bool operator==(const Glyph&) const = default;
};

struct GlyphPage {
  int number = 1;
  float width = 0;
  float height = 0;
  int rotation = 0;
  std::string label;
  std::vector<FontFace> fonts;
  std::vector<Glyph> glyphs;  // in the order of the file, lines ended by generated line feeds
  std::vector<Box> images;
  std::vector<Box> drawings;  // of paths, one each
  bool glyphs_cut = false;    // there were more than are read
  bool objects_cut = false;   // alike of images and drawings
};

inline constexpr size_t kMostGlyphs = 200'000;  // of a page
inline constexpr size_t kMostObjects = 100'000;

}  // namespace sluice
