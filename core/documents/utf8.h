// Characters to UTF-8, and from UTF-16.
#pragma once

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

// U+FFFD for what is no character: a surrogate, or beyond U+10FFFF.
inline void AppendUtf8(char32_t code, std::string& text) {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) code = 0xfffd;
  const auto tail = [&](int shift) { text += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xc0 | (code >> 6));
    tail(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xe0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    text += static_cast<char>(0xf0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// The character that `bytes` begins with, which are then without it; at least two bytes must be there. Half
// of a pair that stands alone is answered as it is.
inline char32_t TakeUtf16(absl::string_view& bytes, bool big_endian) {
  const auto unit = [&](size_t at) {
    const auto first = static_cast<uint8_t>(bytes[at]);
    const auto second = static_cast<uint8_t>(bytes[at + 1]);
    return static_cast<char32_t>(big_endian ? first << 8 | second : second << 8 | first);
  };
  const char32_t code = unit(0);
  if (code < 0xd800 || code >= 0xdc00 || bytes.size() < 4) {
    bytes.remove_prefix(2);
    return code;
  }
  const char32_t low = unit(2);
  bytes.remove_prefix(4);
  return 0x10000 + ((code - 0xd800) << 10) + ((low - 0xdc00) & 0x3ff);
}

}  // namespace sluice
