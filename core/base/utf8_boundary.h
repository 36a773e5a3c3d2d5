// Where characters of UTF-8 begin. Pure functions, safe from any thread.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace sluice {

// Whether `byte` goes on with a character rather than begins one.
constexpr bool ContinuesCharacter(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// The longest beginning of `text` that has at most `max_bytes` and cuts no character. Of bytes that are not
// UTF-8 it may be empty, however long `text` is.
constexpr absl::string_view CutAtCharacter(absl::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  while (end > 0 && ContinuesCharacter(text[end])) --end;
  return text.substr(0, end);
}

}  // namespace sluice
