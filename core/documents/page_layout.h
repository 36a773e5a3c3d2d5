// LayOutPage: glyphs to lines and blocks in reading order. Pure.
//
// Lines follow the file's own order, which is the reading order wherever a typesetter wrote the file; blocks
// are what stands close together in it, in one type size and one column.
#pragma once

#include "core/documents/glyph_page.h"
#include "core/documents/page.h"

namespace sluice {

// Everything of a Page but its decision and what that degrades. Kinds are those that one page tells:
// paragraphs, list items, code and figures.
Page LayOutPage(const GlyphPage& glyphs);

// SHA-256 (32 bytes) of what is drawn: glyphs with their places, pictures, drawings, size and rotation.
std::string RawKey(const GlyphPage& glyphs);

}  // namespace sluice
