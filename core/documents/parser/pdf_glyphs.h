// PdfGlyphs: a page of PDFium's as a GlyphPage.
#pragma once

#include "core/documents/glyph_page.h"
#include "core/documents/parser/pdfium_api.h"

namespace sluice {

// The page's area in the file's own coordinates, and how it is turned for a viewer.
class PageFrame {
 public:
  PageFrame(const PdfiumApi& pdfium, pdfium::Page* page);

  // From the file's coordinates, whose origin is at the bottom left, to those of page.h.
  Box ToShown(float left, float bottom, float right, float top) const;
  float width() const { return width_; }
  float height() const { return height_; }
  int rotation() const { return turns_ * 90; }

 private:
  pdfium::Rect area_;
  int turns_;  // clockwise quarters
  float width_;
  float height_;
};

// All of it but `number` and `label`.
GlyphPage ReadGlyphs(const PdfiumApi& pdfium, pdfium::Page* page);

}  // namespace sluice
