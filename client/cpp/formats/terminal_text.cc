#include "client/cpp/formats/terminal_text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>

#include "client/cpp/formats/utf8.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

int CellsOf(UChar32 c) {
  const int8_t type = u_charType(c);
  if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR) return 0;
  const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

// The next code point, one that steers as a space.
UChar32 NextPrintable(absl::string_view text, int32_t& position) {
  UChar32 c = 0;
  U8_NEXT(text.data(), position, static_cast<int32_t>(text.size()), c);
  if (c < 0) return kReplacement;
  return SteersTerminal(static_cast<char32_t>(c)) ? ' ' : c;
}

}  // namespace

std::string EscapeName(absl::string_view text, int max_columns) {
  // No more is read than can be shown: a name may be as long as its file.
  const size_t most = static_cast<size_t>(max_columns + 1) * kMaxBytesPerColumn;
  return FitColumns(EscapeText(CutAtCharacter(text, most)), max_columns);
}

int ColumnsOf(absl::string_view text) {
  int cells = 0;
  for (int32_t position = 0; position < static_cast<int32_t>(text.size());)
    cells += CellsOf(NextPrintable(text, position));
  return cells;
}

std::string FitColumns(absl::string_view text, int columns) {
  std::string out;
  const size_t max_bytes = static_cast<size_t>(columns) * kMaxBytesPerColumn;
  size_t bytes_before_mark = 0;  // of `out`, up to where "…" still fits
  int cells = 0;
  int marks = 0;
  for (int32_t position = 0; position < static_cast<int32_t>(text.size());) {
    const UChar32 c = NextPrintable(text, position);
    const int width = CellsOf(c);
    marks = width == 0 ? marks + 1 : 0;
    if (marks > kMaxMarksPerCharacter) continue;
    if (cells + width > columns || out.size() + U8_LENGTH(c) > max_bytes) {
      out.resize(bytes_before_mark);
      if (columns > 0) out += "…";
      return out;
    }
    AppendUtf8(out, static_cast<char32_t>(c));
    cells += width;
    if (cells <= columns - 1) bytes_before_mark = out.size();
  }
  return out;
}

}  // namespace sluice
