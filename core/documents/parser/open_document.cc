#include "core/documents/parser/open_document.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/error_details.h"
#include "core/documents/parser/pdf_reader.h"
#include "core/documents/parser/text_reader.h"

namespace sluice {
namespace {

constexpr size_t kPdfHeadWithin = 1024;  // as readers of PDF allow

struct Likeness {
  absl::string_view start;
  const char* what;
};
constexpr Likeness kKnownStarts[] = {
    {"\x89PNG", "a PNG picture"},
    {"\xff\xd8\xff", "a JPEG picture"},
    {"GIF8", "a GIF picture"},
    {"II*", "a TIFF picture"},
    {"MM", "a TIFF picture"},
    {"\x7f"
     "ELF",
     "a program"},
    {"MZ", "a program"},
    {"PK\x03\x04", "a ZIP archive"},
    {"\x1f\x8b", "a gzip archive"},
    {"7z\xbc\xaf", "a 7z archive"},
    {"SQLite format 3", "a database"},
    {"\xd0\xcf\x11\xe0", "an old Office file"},
};

absl::Status UnknownFormat(absl::string_view why) {
  return WithReason(
      absl::InvalidArgumentError(absl::StrCat(why, "; taken are ", absl::StrJoin(kDocumentFormats, ", "))),
      "UNKNOWN_FORMAT");
}

std::string Ending(absl::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == absl::string_view::npos ? "" : absl::AsciiStrToLower(name.substr(dot + 1));
}

std::string FormatByBytes(absl::string_view bytes, absl::string_view file_name) {
  if (absl::StrContains(bytes.substr(0, kPdfHeadWithin), "%PDF-")) return "pdf";
  if (!LooksLikeText(bytes)) return "";
  const std::string ending = Ending(file_name);
  return ending == "md" || ending == "markdown" ? "markdown" : "text";
}

const char* LikenessOf(absl::string_view bytes) {
  const auto* const found =
      std::find_if(std::begin(kKnownStarts), std::end(kKnownStarts),
                   [&](const Likeness& known) { return absl::StartsWith(bytes, known.start); });
  return found == std::end(kKnownStarts) ? "none of them" : found->what;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DocumentReader>> Formats::Open(const OpenRequest& request) const {
  if (request.bytes.empty()) {
    return WithReason(absl::InvalidArgumentError("the file is empty"), "NO_PAGES");
  }
  std::string format = request.format;
  if (format.empty()) format = FormatByBytes(request.bytes, request.file_name);
  if (format == "pdf") return OpenPdf(pdfium_, request);
  if (format == "text" || format == "markdown") return OpenText(format, request);
  if (!request.format.empty()) return UnknownFormat(absl::StrCat("there is no format ", request.format));
  return UnknownFormat(absl::StrCat("the file looks like ", LikenessOf(request.bytes)));
}

}  // namespace sluice
