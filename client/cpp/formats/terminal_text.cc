#include "client/cpp/formats/terminal_text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>
#include <optional>

#include "absl/strings/str_format.h"
#include "client/cpp/formats/utf8.h"

namespace sluice {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr UChar32 kZeroWidthNonJoiner = 0x200C;
constexpr UChar32 kZeroWidthJoiner = 0x200D;

bool Steers(UChar32 c) {
  const int8_t type = u_charType(c);
  return type == U_CONTROL_CHAR || type == U_LINE_SEPARATOR || type == U_PARAGRAPH_SEPARATOR ||
         u_hasBinaryProperty(c, UCHAR_BIDI_CONTROL);
}

// Scripts and emoji are written with joiners; whatever else has no shape only hides in a name.
bool IsInvisible(UChar32 c) {
  return u_charType(c) == U_FORMAT_CHAR && c != kZeroWidthNonJoiner && c != kZeroWidthJoiner;
}

int CellsOf(UChar32 c) {
  const int8_t type = u_charType(c);
  if (type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_FORMAT_CHAR) return 0;
  const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

// The next code point; nothing for bytes that are none.
std::optional<UChar32> NextCodePoint(absl::string_view text, int32_t& position) {
  UChar32 c = 0;
  U8_NEXT(text.data(), position, static_cast<int32_t>(text.size()), c);
  return c < 0 ? std::nullopt : std::optional(c);
}

UChar32 NextPrintable(absl::string_view text, int32_t& position) {
  const UChar32 c = NextCodePoint(text, position).value_or(kReplacement);
  return Steers(c) ? ' ' : c;
}

std::string EscapeOf(UChar32 c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return c < 0x80      ? absl::StrFormat("\\x%02x", c)
             : c < 0x10000 ? absl::StrFormat("\\u%04x", c)
                           : absl::StrFormat("\\U%08x", c);
  }
}

std::string Escape(absl::string_view text, bool keep_newlines) {
  std::string out;
  out.reserve(text.size());
  for (int32_t position = 0; position < static_cast<int32_t>(text.size());) {
    const int32_t begin = position;
    const std::optional<UChar32> c = NextCodePoint(text, position);
    const absl::string_view bytes = text.substr(begin, position - begin);
    if (!c.has_value()) {
      for (const char byte : bytes) out += absl::StrFormat("\\x%02x", static_cast<unsigned char>(byte));
    } else if ((Steers(*c) || IsInvisible(*c)) && !(keep_newlines && *c == '\n')) {
      out += EscapeOf(*c);
    } else {
      out.append(bytes.data(), bytes.size());
    }
  }
  return out;
}

}  // namespace

std::string EscapeText(absl::string_view text) {
  return Escape(text, /*keep_newlines=*/false);
}

std::string EscapeLines(absl::string_view text) {
  return Escape(text, /*keep_newlines=*/true);
}

std::string EscapeName(absl::string_view text, int max_columns) {
  // No more is read than can be shown: a name may be as long as its file.
  const size_t most = static_cast<size_t>(max_columns + 1) * kMaxBytesPerColumn;
  return FitColumns(EscapeText(text.substr(0, most)), max_columns);
}

std::optional<char32_t> SteeringCharacter(absl::string_view text) {
  int32_t position = 0;
  const std::optional<UChar32> c = text.empty() ? std::nullopt : NextCodePoint(text, position);
  return c.has_value() && Steers(*c) ? std::optional(static_cast<char32_t>(*c)) : std::nullopt;
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
