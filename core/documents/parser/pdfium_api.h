// PdfiumApi: the functions of PDFium that are used here, found in its shared library at run time.
//
// The library exports FreeType's and the C++ library's names as well, so it is loaded with RTLD_LOCAL and
// never linked. The declarations are our own, of PDFium's public C interface (BSD-3-Clause).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace sluice {

// Opaque to us; made and freed by the library.
namespace pdfium {
struct Document;
struct Page;
struct TextPage;
struct Bookmark;
struct Action;
struct Dest;
struct PageObject;
struct Bitmap;
struct Font;
struct Rect {
  float left, top, right, bottom;
};
struct Matrix {
  float a, b, c, d, e, f;
};
}  // namespace pdfium

// The functions, by their names without FPDF_: one table makes the members and looks them up.
#define SLUICE_PDFIUM_FUNCTIONS(F)                                                              \
  F(FPDF_InitLibrary, void, ())                                                                 \
  F(FPDF_LoadMemDocument64, pdfium::Document*, (const void*, size_t, const char*))              \
  F(FPDF_CloseDocument, void, (pdfium::Document*))                                              \
  F(FPDF_GetLastError, unsigned long, ())                                                       \
  F(FPDF_GetPageCount, int, (pdfium::Document*))                                                \
  F(FPDF_GetMetaText, unsigned long, (pdfium::Document*, const char*, void*, unsigned long))    \
  F(FPDF_GetPageLabel, unsigned long, (pdfium::Document*, int, void*, unsigned long))           \
  F(FPDF_LoadPage, pdfium::Page*, (pdfium::Document*, int))                                     \
  F(FPDF_ClosePage, void, (pdfium::Page*))                                                      \
  F(FPDF_GetPageWidthF, float, (pdfium::Page*))                                                 \
  F(FPDF_GetPageHeightF, float, (pdfium::Page*))                                                \
  F(FPDF_GetPageBoundingBox, int, (pdfium::Page*, pdfium::Rect*))                               \
  F(FPDFPage_GetRotation, int, (pdfium::Page*))                                                 \
  F(FPDFPage_CountObjects, int, (pdfium::Page*))                                                \
  F(FPDFPage_GetObject, pdfium::PageObject*, (pdfium::Page*, int))                              \
  F(FPDFPageObj_GetType, int, (pdfium::PageObject*))                                            \
  F(FPDFPageObj_GetBounds, int, (pdfium::PageObject*, float*, float*, float*, float*))          \
  F(FPDFPageObj_GetMatrix, int, (pdfium::PageObject*, pdfium::Matrix*))                         \
  F(FPDFFormObj_CountObjects, int, (pdfium::PageObject*))                                       \
  F(FPDFFormObj_GetObject, pdfium::PageObject*, (pdfium::PageObject*, unsigned long))           \
  F(FPDFText_LoadPage, pdfium::TextPage*, (pdfium::Page*))                                      \
  F(FPDFText_ClosePage, void, (pdfium::TextPage*))                                              \
  F(FPDFText_CountChars, int, (pdfium::TextPage*))                                              \
  F(FPDFText_GetUnicode, unsigned int, (pdfium::TextPage*, int))                                \
  F(FPDFText_GetLooseCharBox, int, (pdfium::TextPage*, int, pdfium::Rect*))                     \
  F(FPDFText_GetFontSize, double, (pdfium::TextPage*, int))                                     \
  F(FPDFText_GetMatrix, int, (pdfium::TextPage*, int, pdfium::Matrix*))                         \
  F(FPDFText_IsGenerated, int, (pdfium::TextPage*, int))                                        \
  F(FPDFText_IsHyphen, int, (pdfium::TextPage*, int))                                           \
  F(FPDFText_HasUnicodeMapError, int, (pdfium::TextPage*, int))                                 \
  F(FPDFText_GetTextObject, pdfium::PageObject*, (pdfium::TextPage*, int))                      \
  F(FPDFTextObj_GetTextRenderMode, int, (pdfium::PageObject*))                                  \
  F(FPDFTextObj_GetFont, pdfium::Font*, (pdfium::PageObject*))                                  \
  F(FPDFFont_GetBaseFontName, size_t, (pdfium::Font*, char*, size_t))                           \
  F(FPDFFont_GetFlags, int, (pdfium::Font*))                                                    \
  F(FPDFFont_GetWeight, int, (pdfium::Font*))                                                   \
  F(FPDFBookmark_GetFirstChild, pdfium::Bookmark*, (pdfium::Document*, pdfium::Bookmark*))      \
  F(FPDFBookmark_GetNextSibling, pdfium::Bookmark*, (pdfium::Document*, pdfium::Bookmark*))     \
  F(FPDFBookmark_GetTitle, unsigned long, (pdfium::Bookmark*, void*, unsigned long))            \
  F(FPDFBookmark_GetDest, pdfium::Dest*, (pdfium::Document*, pdfium::Bookmark*))                \
  F(FPDFBookmark_GetAction, pdfium::Action*, (pdfium::Bookmark*))                               \
  F(FPDFAction_GetDest, pdfium::Dest*, (pdfium::Document*, pdfium::Action*))                    \
  F(FPDFDest_GetDestPageIndex, int, (pdfium::Document*, pdfium::Dest*))                         \
  F(FPDFDest_GetLocationInPage, int, (pdfium::Dest*, int*, int*, int*, float*, float*, float*)) \
  F(FPDFBitmap_CreateEx, pdfium::Bitmap*, (int, int, int, void*, int))                          \
  F(FPDFBitmap_FillRect, int, (pdfium::Bitmap*, int, int, int, int, unsigned long))             \
  F(FPDFBitmap_GetBuffer, void*, (pdfium::Bitmap*))                                             \
  F(FPDFBitmap_GetStride, int, (pdfium::Bitmap*))                                               \
  F(FPDFBitmap_Destroy, void, (pdfium::Bitmap*))                                                \
  F(FPDF_RenderPageBitmap, void, (pdfium::Bitmap*, pdfium::Page*, int, int, int, int, int, int))

// One of a process, for the library has one state; every call is one thread's.
class PdfiumApi {
 public:
  // Loads the library `path` and readies it. "": $SLUICE_PDFIUM, else libpdfium.so in ../lib/sluice and
  // ../lib of the program's own directory. NOT_FOUND (NO_PDFIUM) says where it was looked for,
  // FAILED_PRECONDITION (NO_PDFIUM) what the file lacks. The library stays loaded.
  static absl::StatusOr<std::unique_ptr<PdfiumApi>> Load(const std::string& path);
  // Where Load("") would find it; "" where nowhere.
  static std::string Find();

#define SLUICE_PDFIUM_MEMBER(name, result, parameters) result(*name) parameters = nullptr;
  SLUICE_PDFIUM_FUNCTIONS(SLUICE_PDFIUM_MEMBER)
#undef SLUICE_PDFIUM_MEMBER
};

}  // namespace sluice
