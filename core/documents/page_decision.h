// DecidePage: whether a page's text is good as it is, or would have to be read from its picture. Pure.
//
// Source: the union of what Tika, MinerU, RAGFlow and Docling look at, cheap signals first; and a test of
// ink, because text that is drawn as curves looks like a blank page to all of them.
#pragma once

#include "core/documents/glyph_page.h"

namespace sluice {

// What is counted once a page.
struct PageSignals {
  int characters = 0;     // drawn ones that are no space
  int unmapped = 0;       // of those
  int garbled = 0;        // alike: control characters, U+FFFD, private use
  int invisible = 0;      // alike
  float image_share = 0;  // of the page's area, at most 1
  int drawings = 0;
};
PageSignals SignalsOf(const GlyphPage& page);

// A page with few characters needs to know whether there is anything on it.
bool NeedsInk(const PageSignals& signals);
// `ink`: the share of dark pixels, 0..1; below 0 where nobody looked.
PageDecision DecidePage(const PageSignals& signals, float ink);

}  // namespace sluice
