#include "core/base/escape_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "absl/strings/str_format.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Controls, separators of lines, and all of Unicode's property Bidi_Control.
constexpr Range kSteering[] = {{0x0000, 0x001F}, {0x007F, 0x009F}, {0x061C, 0x061C},
                               {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
// Format characters that no script needs. Joiners are not among them: scripts and emoji are written with
// them.
constexpr Range kInvisible[] = {{0x00AD, 0x00AD},   {0x180E, 0x180E},  {0x200B, 0x200B}, {0x2060, 0x2065},
                                {0x206A, 0x206F},   {0xFEFF, 0xFEFF},  {0xFFF9, 0xFFFB}, {0x1BCA0, 0x1BCA3},
                                {0x1D173, 0x1D17A}, {0xE0000, 0xE007F}};

template <size_t size>
bool IsIn(char32_t c, const Range (&ranges)[size]) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [c](const Range& range) { return range.first <= c && c <= range.last; });
}

// Of a whole character.
char32_t CodePointOf(absl::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(character[i])); };
  if (character.size() == 1) return byte(0);
  char32_t c = byte(0) & (0x7Fu >> character.size());
  for (size_t i = 1; i < character.size(); ++i) c = (c << 6) | (byte(i) & 0x3F);
  return c;
}

std::string EscapeOf(char32_t c) {
  switch (c) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  const auto number = static_cast<uint32_t>(c);
  if (c < 0x80) return absl::StrFormat("\\x%02x", number);
  return c < 0x10000 ? absl::StrFormat("\\u%04x", number) : absl::StrFormat("\\U%08x", number);
}

std::string Escape(absl::string_view text, bool keep_newlines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t bytes = FirstCharacterBytes(text);
    const absl::string_view character = text.substr(0, std::max<size_t>(bytes, 1));
    text.remove_prefix(character.size());
    if (bytes == 0) {
      out += absl::StrFormat("\\x%02x", static_cast<unsigned char>(character[0]));
      continue;
    }
    const char32_t c = CodePointOf(character);
    const bool kept = keep_newlines && c == '\n';
    if (!kept && (SteersTerminal(c) || IsIn(c, kInvisible))) {
      out += EscapeOf(c);
    } else {
      out.append(character.data(), character.size());
    }
  }
  return out;
}

}  // namespace

bool SteersTerminal(char32_t c) {
  return IsIn(c, kSteering);
}

std::optional<char32_t> SteeringCharacter(absl::string_view text) {
  const size_t bytes = FirstCharacterBytes(text);
  if (bytes == 0) return std::nullopt;
  const char32_t c = CodePointOf(text.substr(0, bytes));
  return SteersTerminal(c) ? std::optional(c) : std::nullopt;
}

std::string EscapeText(absl::string_view text) {
  return Escape(text, /*keep_newlines=*/false);
}

std::string EscapeLines(absl::string_view text) {
  return Escape(text, /*keep_newlines=*/true);
}

}  // namespace sluice
