#include "core/documents/parser/pdf_reader.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/documents/page_decision.h"
#include "core/documents/page_layout.h"
#include "core/documents/parser/pdf_glyphs.h"
#include "core/documents/parser/png_image.h"
#include "core/documents/utf8.h"

namespace sluice {
namespace {

// PDFium's own numbers.
constexpr unsigned long kErrorFile = 2;
constexpr unsigned long kErrorFormat = 3;
constexpr unsigned long kErrorPassword = 4;
constexpr unsigned long kErrorSecurity = 5;
constexpr int kGray = 1;
constexpr int kBgrx = 3;
constexpr int kDrawAnnotations = 1;

constexpr size_t kMostOutlineEntries = 20'000;
constexpr int kDeepestOutline = 32;
constexpr size_t kMostTitleBytes = 1024;
constexpr unsigned long kMostTextBytes = 1 << 16;
constexpr float kMostPoints = 50'000;  // of a page's side, about 17 m
constexpr int kInkPixels = 600;        // of the longer side, about 50 dpi of a sheet
constexpr int kDark = 160;             // of 255

absl::Status Reasoned(absl::Status status, absl::string_view reason) {
  return WithReason(std::move(status), reason);
}

absl::Status OpenError(unsigned long error, bool has_password) {
  if (error == kErrorPassword && !has_password) {
    return Reasoned(absl::PermissionDeniedError("the PDF is encrypted: give its password"), "ENCRYPTED");
  }
  if (error == kErrorPassword) {
    return Reasoned(absl::PermissionDeniedError("the password does not open the PDF"), "WRONG_PASSWORD");
  }
  if (error == kErrorSecurity) {
    return Reasoned(absl::PermissionDeniedError("the PDF is encrypted in a way that is not known here"),
                    "ENCRYPTED");
  }
  if (error == kErrorFormat || error == kErrorFile) {
    return Reasoned(absl::InvalidArgumentError("the PDF is damaged: its structure cannot be read"),
                    "DAMAGED");
  }
  return Reasoned(
      absl::InvalidArgumentError(absl::StrCat("the PDF cannot be opened (PDFium's error ", error, ")")),
      "DAMAGED");
}

// UTF-16LE with its ending zero, as PDFium gives texts; one line, without what no text has.
std::string TextOf(absl::string_view utf16) {
  std::string text;
  while (utf16.size() >= 2 && text.size() < kMostTitleBytes) {
    const char32_t code = TakeUtf16(utf16, /*big_endian=*/false);
    if (code == 0) break;
    AppendUtf8(code < 0x20 ? U' ' : code, text);
  }
  absl::StripAsciiWhitespace(&text);
  return text;
}

template <typename Ask>
std::string AskText(Ask ask) {
  const unsigned long size = ask(nullptr, 0);
  if (size < 2 || size > kMostTextBytes) return "";
  std::string utf16(size, '\0');
  const unsigned long got = ask(utf16.data(), size);
  return TextOf(absl::string_view(utf16).substr(0, std::min(got, size)));
}

class OutlineReader {
 public:
  OutlineReader(const PdfiumApi& pdfium, pdfium::Document* document) : pdfium_(pdfium), document_(document) {}

  std::vector<OutlineEntry> Read() {
    ReadChildren(nullptr, 1);
    return std::move(entries_);
  }

 private:
  // A damaged outline may lead back to itself.
  void ReadChildren(pdfium::Bookmark* parent, int level) {
    if (level > kDeepestOutline) return;
    for (pdfium::Bookmark* at = pdfium_.FPDFBookmark_GetFirstChild(document_, parent);
         at != nullptr && entries_.size() < kMostOutlineEntries && seen_.insert(at).second;
         at = pdfium_.FPDFBookmark_GetNextSibling(document_, at)) {
      entries_.push_back(EntryOf(at, level));
      ReadChildren(at, level + 1);
    }
  }

  OutlineEntry EntryOf(pdfium::Bookmark* bookmark, int level) {
    OutlineEntry entry{.level = level};
    entry.title = AskText([&](void* buffer, unsigned long size) {
      return pdfium_.FPDFBookmark_GetTitle(bookmark, buffer, size);
    });
    pdfium::Dest* dest = pdfium_.FPDFBookmark_GetDest(document_, bookmark);
    if (dest == nullptr) {
      pdfium::Action* const action = pdfium_.FPDFBookmark_GetAction(bookmark);
      if (action != nullptr) dest = pdfium_.FPDFAction_GetDest(document_, action);
    }
    if (dest != nullptr) entry.page = pdfium_.FPDFDest_GetDestPageIndex(document_, dest) + 1;
    return entry;
  }

  const PdfiumApi& pdfium_;
  pdfium::Document* const document_;
  std::vector<OutlineEntry> entries_;
  std::set<pdfium::Bookmark*> seen_;
};

// Closes what it holds.
class LoadedPage {
 public:
  LoadedPage(const PdfiumApi& pdfium, pdfium::Document* document, int index)
      : pdfium_(pdfium), page_(pdfium.FPDF_LoadPage(document, index)) {}
  ~LoadedPage() {
    if (page_ != nullptr) pdfium_.FPDF_ClosePage(page_);
  }
  LoadedPage(const LoadedPage&) = delete;
  LoadedPage& operator=(const LoadedPage&) = delete;
  pdfium::Page* get() const { return page_; }

 private:
  const PdfiumApi& pdfium_;
  pdfium::Page* const page_;
};

class Rendering {
 public:
  Rendering(const PdfiumApi& pdfium, pdfium::Page* page, int width, int height, int format)
      : pdfium_(pdfium),
        width_(width),
        height_(height),
        bitmap_(pdfium.FPDFBitmap_CreateEx(width, height, format, nullptr, 0)) {
    if (bitmap_ == nullptr) return;
    pdfium_.FPDFBitmap_FillRect(bitmap_, 0, 0, width, height, 0xffffffff);
    pdfium_.FPDF_RenderPageBitmap(bitmap_, page, 0, 0, width, height, 0, kDrawAnnotations);
  }
  ~Rendering() {
    if (bitmap_ != nullptr) pdfium_.FPDFBitmap_Destroy(bitmap_);
  }
  Rendering(const Rendering&) = delete;
  Rendering& operator=(const Rendering&) = delete;

  bool ok() const { return bitmap_ != nullptr; }
  int width() const { return width_; }
  int height() const { return height_; }
  const uint8_t* Row(int y) const {
    return static_cast<const uint8_t*>(pdfium_.FPDFBitmap_GetBuffer(bitmap_)) +
           static_cast<ptrdiff_t>(y) * pdfium_.FPDFBitmap_GetStride(bitmap_);
  }

 private:
  const PdfiumApi& pdfium_;
  const int width_;
  const int height_;
  pdfium::Bitmap* const bitmap_;
};

struct Pixels {
  int width = 1;
  int height = 1;
};

// The page's shape within both bounds.
Pixels Within(float width, float height, int max_width, int max_height) {
  const float scale =
      std::min(static_cast<float>(max_width) / width, static_cast<float>(max_height) / height);
  const auto side = [scale](float points, int most) {
    return std::clamp(static_cast<int>(std::lround(points * scale)), 1, most);
  };
  return {side(width, max_width), side(height, max_height)};
}

class PdfReader final : public DocumentReader {
 public:
  PdfReader(const PdfiumApi& pdfium, pdfium::Document* document) : pdfium_(pdfium), document_(document) {}
  ~PdfReader() override { pdfium_.FPDF_CloseDocument(document_); }

  absl::Status Begin(int max_pages) {
    facts_.format = "pdf";
    facts_.pages = pdfium_.FPDF_GetPageCount(document_);
    if (facts_.pages <= 0) {
      return Reasoned(absl::InvalidArgumentError("the PDF has no pages"), "NO_PAGES");
    }
    if (facts_.pages > max_pages) {
      return Reasoned(
          absl::ResourceExhaustedError(absl::StrCat("the PDF has ", facts_.pages, " pages; at most ",
                                                    max_pages, " are taken (max_document_pages)")),
          "TOO_MANY_PAGES");
    }
    facts_.title = Meta("Title");
    facts_.author = Meta("Author");
    facts_.outline = OutlineReader(pdfium_, document_).Read();
    return absl::OkStatus();
  }

  const DocumentFacts& facts() const override { return facts_; }

  absl::StatusOr<Page> ReadPage(int number) override {
    const LoadedPage loaded(pdfium_, document_, number - 1);
    SLUICE_RETURN_IF_ERROR(Check(loaded, number));
    GlyphPage glyphs = ReadGlyphs(pdfium_, loaded.get());
    glyphs.number = number;
    glyphs.label = Label(number);
    Page page = LayOutPage(glyphs);
    const PageSignals signals = SignalsOf(glyphs);
    page.decision = DecidePage(signals, NeedsInk(signals) ? Ink(loaded, glyphs) : -1);
    const PageSource source = page.decision.source;
    if (source == PageSource::kWhole || source == PageSource::kRegions) page.degraded.push_back("NEEDS_OCR");
    return page;
  }

  absl::StatusOr<std::string> DrawPage(int number, PictureSize size) override {
    const LoadedPage loaded(pdfium_, document_, number - 1);
    SLUICE_RETURN_IF_ERROR(Check(loaded, number));
    const Pixels pixels = Within(pdfium_.FPDF_GetPageWidthF(loaded.get()),
                                 pdfium_.FPDF_GetPageHeightF(loaded.get()), size.max_width, size.max_height);
    const Rendering drawn(pdfium_, loaded.get(), pixels.width, pixels.height, kBgrx);
    if (!drawn.ok())
      return Reasoned(absl::ResourceExhaustedError("no memory for the picture"), "PARSER_MEMORY");
    return PngOfBgrx({.width = drawn.width(), .height = drawn.height()},
                     [&drawn](int y) { return drawn.Row(y); });
  }

 private:
  std::string Meta(const char* tag) {
    return AskText([&](void* buffer, unsigned long size) {
      return pdfium_.FPDF_GetMetaText(document_, tag, buffer, size);
    });
  }

  std::string Label(int number) {
    return AskText([&](void* buffer, unsigned long size) {
      return pdfium_.FPDF_GetPageLabel(document_, number - 1, buffer, size);
    });
  }

  absl::Status Check(const LoadedPage& loaded, int number) const {
    if (number < 1 || number > facts_.pages) {
      return Reasoned(absl::OutOfRangeError(absl::StrCat("page ", number, " of ", facts_.pages)),
                      "NO_SUCH_PAGE");
    }
    if (loaded.get() == nullptr) {
      return Reasoned(
          absl::InvalidArgumentError(absl::StrCat("page ", number, " is damaged: it cannot be read")),
          "DAMAGED");
    }
    const float width = pdfium_.FPDF_GetPageWidthF(loaded.get());
    const float height = pdfium_.FPDF_GetPageHeightF(loaded.get());
    const bool fits = width > 0 && height > 0 && width <= kMostPoints && height <= kMostPoints;
    if (fits) return absl::OkStatus();
    return Reasoned(absl::ResourceExhaustedError(absl::StrCat("page ", number, " is ", width, " by ", height,
                                                              " points; a side has at most ", kMostPoints,
                                                              " and more than 0")),
                    "PAGE_TOO_LARGE");
  }

  // The share of dark pixels.
  float Ink(const LoadedPage& loaded, const GlyphPage& glyphs) const {
    const Pixels pixels = Within(glyphs.width, glyphs.height, kInkPixels, kInkPixels);
    const Rendering drawn(pdfium_, loaded.get(), pixels.width, pixels.height, kGray);
    if (!drawn.ok()) return -1;
    int64_t dark = 0;
    for (int y = 0; y < pixels.height; ++y) {
      const uint8_t* const row = drawn.Row(y);
      dark += std::count_if(row, row + pixels.width, [](uint8_t value) { return value < kDark; });
    }
    return static_cast<float>(dark) / static_cast<float>(int64_t{pixels.width} * pixels.height);
  }

  const PdfiumApi& pdfium_;
  pdfium::Document* const document_;
  DocumentFacts facts_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DocumentReader>> OpenPdf(const PdfiumApi& pdfium, const OpenRequest& request) {
  const char* const password = request.password.empty() ? nullptr : request.password.c_str();
  pdfium::Document* const document =
      pdfium.FPDF_LoadMemDocument64(request.bytes.data(), request.bytes.size(), password);
  if (document == nullptr) return OpenError(pdfium.FPDF_GetLastError(), password != nullptr);
  auto reader = std::make_unique<PdfReader>(pdfium, document);
  SLUICE_RETURN_IF_ERROR(reader->Begin(request.max_pages));
  return reader;
}

}  // namespace sluice
