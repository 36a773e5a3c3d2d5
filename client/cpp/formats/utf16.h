// Utf16Decoder: UTF-16 that arrives in pieces, as UTF-8. Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sluice {

enum class ByteOrder { kLittleEndian, kBigEndian };

// By a byte order mark, or by a NUL in every other byte of the first eight: text begins with what ASCII has.
std::optional<ByteOrder> Utf16OrderOf(absl::string_view prefix);

// A value. Not thread-safe.
class Utf16Decoder {
 public:
  explicit Utf16Decoder(ByteOrder order) : order_(order) {}

  // Appends to `out`. A character may go on in the next piece. False once a half of a surrogate pair stood
  // alone.
  bool Decode(absl::string_view piece, std::string& out);

  // Whether no character is left open.
  bool AtEnd() const { return half_.empty() && high_ == 0; }

 private:
  bool TakeUnit(char16_t unit, std::string& out);

  const ByteOrder order_;
  std::string half_;   // one byte of a unit
  char16_t high_ = 0;  // a high surrogate whose low one is still to come
};

}  // namespace sluice
