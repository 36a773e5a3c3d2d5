#include "core/documents/parser/pdf_glyphs.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace sluice {
namespace {

// PDFium's and PDF's own numbers.
constexpr int kPath = 2;
constexpr int kImage = 3;
constexpr int kForm = 5;
constexpr int kInvisible = 3;
constexpr int kFixedPitch = 1 << 0;
constexpr int kItalic = 1 << 6;
constexpr int kForceBold = 1 << 18;
constexpr int kBoldWeight = 600;
constexpr int kDeepestForm = 4;

bool NameHas(absl::string_view name, std::initializer_list<absl::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [name](absl::string_view part) { return absl::StrContains(name, part); });
}

FontFace FaceOf(const PdfiumApi& pdfium, pdfium::Font* font) {
  std::array<char, 128> buffer{};
  pdfium.FPDFFont_GetBaseFontName(font, buffer.data(), buffer.size());
  buffer.back() = '\0';
  FontFace face{.name = buffer.data()};
  const std::string name = absl::AsciiStrToLower(face.name);
  const int flags = std::max(pdfium.FPDFFont_GetFlags(font), 0);
  face.bold = (flags & kForceBold) != 0 || pdfium.FPDFFont_GetWeight(font) >= kBoldWeight ||
              NameHas(name, {"bold", "black", "heavy", "cmbx", "sfbx", "semibold"});
  face.italic = (flags & kItalic) != 0 || NameHas(name, {"italic", "oblique", "cmti", "slanted"});
  face.monospace =
      (flags & kFixedPitch) != 0 || NameHas(name, {"mono", "courier", "cmtt", "typewriter", "consol"});
  return face;
}

// What is the same for all glyphs that one text object draws.
struct TextObject {
  pdfium::PageObject* object = nullptr;
  uint16_t font = 0;
  float scale = 1;
  bool invisible = false;
};

class GlyphReader {
 public:
  GlyphReader(const PdfiumApi& pdfium, pdfium::TextPage* text, const PageFrame& frame, GlyphPage& page)
      : pdfium_(pdfium), text_(text), frame_(frame), page_(page) {}

  void ReadAll() {
    const int count = pdfium_.FPDFText_CountChars(text_);
    page_.glyphs_cut = count > static_cast<int>(kMostGlyphs);
    const int read = std::clamp(count, 0, static_cast<int>(kMostGlyphs));
    page_.glyphs.reserve(static_cast<size_t>(read));
    for (int i = 0; i < read; ++i) page_.glyphs.push_back(Read(i));
  }

 private:
  Glyph Read(int i) {
    Glyph glyph{.code = static_cast<char32_t>(pdfium_.FPDFText_GetUnicode(text_, i))};
    glyph.generated = pdfium_.FPDFText_IsGenerated(text_, i) == 1;
    if (glyph.generated) return glyph;
    glyph.hyphen = pdfium_.FPDFText_IsHyphen(text_, i) == 1;
    glyph.unmapped = pdfium_.FPDFText_HasUnicodeMapError(text_, i) == 1;
    pdfium::Rect box{};
    if (pdfium_.FPDFText_GetLooseCharBox(text_, i, &box) != 0) {
      glyph.box = frame_.ToShown(box.left, box.bottom, box.right, box.top);
    }
    LookAtObject(i);
    glyph.font = object_.font;
    glyph.invisible = object_.invisible;
    const auto size = static_cast<float>(pdfium_.FPDFText_GetFontSize(text_, i)) * object_.scale;
    glyph.font_size = std::round(size * 10) / 10;
    return glyph;
  }

  void LookAtObject(int i) {
    pdfium::PageObject* const object = pdfium_.FPDFText_GetTextObject(text_, i);
    if (object == object_.object || object == nullptr) return;
    object_ = {.object = object};
    object_.font = FontOf(pdfium_.FPDFTextObj_GetFont(object));
    object_.invisible = pdfium_.FPDFTextObj_GetTextRenderMode(object) == kInvisible;
    pdfium::Matrix matrix{};
    if (pdfium_.FPDFText_GetMatrix(text_, i, &matrix) != 0) {
      const float scale = std::hypot(matrix.c, matrix.d);
      if (std::isfinite(scale) && scale > 0) object_.scale = scale;
    }
  }

  uint16_t FontOf(pdfium::Font* font) {
    if (font == nullptr) return UINT16_MAX;
    const auto [known, is_new] = fonts_.try_emplace(font, static_cast<uint16_t>(page_.fonts.size()));
    if (is_new) page_.fonts.push_back(FaceOf(pdfium_, font));
    return known->second;
  }

  const PdfiumApi& pdfium_;
  pdfium::TextPage* const text_;
  const PageFrame& frame_;
  GlyphPage& page_;
  TextObject object_;
  std::map<pdfium::Font*, uint16_t> fonts_;
};

pdfium::Matrix Concat(const pdfium::Matrix& first, const pdfium::Matrix& then) {
  return {first.a * then.a + first.b * then.c,          first.a * then.b + first.b * then.d,
          first.c * then.a + first.d * then.c,          first.c * then.b + first.d * then.d,
          first.e * then.a + first.f * then.c + then.e, first.e * then.b + first.f * then.d + then.f};
}

Box Transform(const Box& box, const pdfium::Matrix& by) {
  const auto x = [&by](float px, float py) { return by.a * px + by.c * py + by.e; };
  const auto y = [&by](float px, float py) { return by.b * px + by.d * py + by.f; };
  const std::array<float, 4> xs = {x(box.left, box.top), x(box.right, box.top), x(box.left, box.bottom),
                                   x(box.right, box.bottom)};
  const std::array<float, 4> ys = {y(box.left, box.top), y(box.right, box.top), y(box.left, box.bottom),
                                   y(box.right, box.bottom)};
  return {*std::min_element(xs.begin(), xs.end()), *std::min_element(ys.begin(), ys.end()),
          *std::max_element(xs.begin(), xs.end()), *std::max_element(ys.begin(), ys.end())};
}

// Pictures and drawings of the page and of the forms on it.
class ObjectReader {
 public:
  ObjectReader(const PdfiumApi& pdfium, const PageFrame& frame, GlyphPage& page)
      : pdfium_(pdfium), frame_(frame), page_(page) {}

  void ReadPage(pdfium::Page* page) {
    const int count = pdfium_.FPDFPage_CountObjects(page);
    for (int i = 0; i < count && HasRoom(); ++i) {
      Read(pdfium_.FPDFPage_GetObject(page, i), {1, 0, 0, 1, 0, 0}, 0);
    }
  }

 private:
  bool HasRoom() {
    page_.objects_cut |= looked_at_ >= kMostObjects;
    return looked_at_ < kMostObjects;
  }

  void Read(pdfium::PageObject* object, const pdfium::Matrix& outer, int depth) {
    ++looked_at_;
    if (object == nullptr) return;
    const int type = pdfium_.FPDFPageObj_GetType(object);
    if (type == kForm) return ReadForm(object, outer, depth);
    if (type != kPath && type != kImage) return;
    Box bounds;  // in the file's coordinates: its top is its lesser y
    if (pdfium_.FPDFPageObj_GetBounds(object, &bounds.left, &bounds.top, &bounds.right, &bounds.bottom) ==
        0) {
      return;
    }
    const Box placed = Transform(bounds, outer);
    const Box shown = frame_.ToShown(placed.left, placed.top, placed.right, placed.bottom);
    (type == kImage ? page_.images : page_.drawings).push_back(shown);
  }

  void ReadForm(pdfium::PageObject* form, const pdfium::Matrix& outer, int depth) {
    if (depth >= kDeepestForm) return;
    pdfium::Matrix own{1, 0, 0, 1, 0, 0};
    pdfium_.FPDFPageObj_GetMatrix(form, &own);
    const pdfium::Matrix inner = Concat(own, outer);
    const int count = pdfium_.FPDFFormObj_CountObjects(form);
    for (int i = 0; i < count && HasRoom(); ++i) {
      Read(pdfium_.FPDFFormObj_GetObject(form, static_cast<unsigned long>(i)), inner, depth + 1);
    }
  }

  const PdfiumApi& pdfium_;
  const PageFrame& frame_;
  GlyphPage& page_;
  size_t looked_at_ = 0;
};

}  // namespace

PageFrame::PageFrame(const PdfiumApi& pdfium, pdfium::Page* page)
    : area_{},
      turns_(pdfium.FPDFPage_GetRotation(page) & 3),
      width_(pdfium.FPDF_GetPageWidthF(page)),
      height_(pdfium.FPDF_GetPageHeightF(page)) {
  if (pdfium.FPDF_GetPageBoundingBox(page, &area_) == 0) area_ = {0, height_, width_, 0};
}

Box PageFrame::ToShown(float left, float bottom, float right, float top) const {
  switch (turns_) {
    case 1:
      return {bottom - area_.bottom, left - area_.left, top - area_.bottom, right - area_.left};
    case 2:
      return {area_.right - right, bottom - area_.bottom, area_.right - left, top - area_.bottom};
    case 3:
      return {area_.top - top, area_.right - right, area_.top - bottom, area_.right - left};
    default:
      return {left - area_.left, area_.top - top, right - area_.left, area_.top - bottom};
  }
}

GlyphPage ReadGlyphs(const PdfiumApi& pdfium, pdfium::Page* page) {
  const PageFrame frame(pdfium, page);
  GlyphPage glyphs{.width = frame.width(), .height = frame.height(), .rotation = frame.rotation()};
  if (pdfium::TextPage* const text = pdfium.FPDFText_LoadPage(page); text != nullptr) {
    GlyphReader(pdfium, text, frame, glyphs).ReadAll();
    pdfium.FPDFText_ClosePage(text);
  }
  ObjectReader(pdfium, frame, glyphs).ReadPage(page);
  return glyphs;
}

}  // namespace sluice
