// Where characters of UTF-8 begin and which bytes are none. Pure functions, safe from any thread.
#pragma once

#include <cstddef>
#include <string>

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

// `text`, or as much of it as goes into `max_bytes` together with the "…" that then says so. `max_bytes`
// >= 3.
std::string Shortened(absl::string_view text, size_t max_bytes);

// Bytes of the character that `text` begins with, 1 to 4; 0 when it is empty or begins with none: a byte that
// begins nothing, a sequence that breaks off, an overlong form, a surrogate, what lies past U+10FFFF.
size_t FirstCharacterBytes(absl::string_view text);

// How long the longest beginning of `text` is that is whole characters; all of it when it is UTF-8.
size_t WellFormedUtf8Bytes(absl::string_view text);
inline bool IsWellFormedUtf8(absl::string_view text) {
  return WellFormedUtf8Bytes(text) == text.size();
}

// Each byte that belongs to no character becomes U+FFFD.
std::string RepairedUtf8(absl::string_view text);

// Checks UTF-8 that arrives in pieces. Not thread-safe.
class Utf8Checker {
 public:
  // False once anything was not UTF-8. A character may go on in the next piece.
  bool Accept(absl::string_view piece);
  // Whether all of it was, with no character left open.
  bool Finish() const { return well_formed_ && open_.empty(); }

 private:
  bool well_formed_ = true;
  std::string open_;  // what came of the last character, while more of it is to come: at most 3 bytes then
};

}  // namespace sluice
