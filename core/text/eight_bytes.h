// Eight bytes of a text at once, in a 64-bit word: questions to all of them without a branch a byte.
//
// Henry S. Warren, "Hacker's Delight" (2nd edition, 2013), chapters 6 and 7. Pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/string_view.h"

namespace sluice {

inline constexpr uint64_t kEachByte = 0x0101010101010101;
inline constexpr uint64_t kHighBits = 0x80 * kEachByte;

static_assert(std::endian::native == std::endian::little, "the first byte is taken for the lowest");

// The bytes from `at` on; zeros behind the end of the text. `at` must be below its size.
inline uint64_t EightBytesAt(absl::string_view text, size_t at) {
  uint64_t eight = 0;
  const size_t left = text.size() - at;
  if (left >= sizeof(eight)) {
    std::memcpy(&eight, text.data() + at, sizeof(eight));  // one load
  } else {
    std::memcpy(&eight, text.data() + at, left);
  }
  return eight;
}

// The highest bit of every byte that is an ASCII character in [first, last]; all other bits are clear.
constexpr uint64_t BytesInRange(uint64_t eight, char first, char last) {
  const uint64_t low = eight & ~kHighBits;
  const uint64_t from = low + (0x80 - static_cast<uint64_t>(first)) * kEachByte;
  const uint64_t above = low + (0x7F - static_cast<uint64_t>(last)) * kEachByte;
  return from & ~above & ~eight & kHighBits;
}

// The highest bits of the bytes as eight bits, that of the first byte lowest. Other bits must be clear.
constexpr uint64_t GatherHighBits(uint64_t high_bits) {
  return ((high_bits >> 7) * 0x0102040810204080) >> 56;
}

// Where the first ASCII digit from `at` on stands; the text's size when there is none.
inline size_t NextDigit(absl::string_view text, size_t at) {
  for (; at < text.size(); at += 8) {
    const uint64_t digits = BytesInRange(EightBytesAt(text, at), '0', '9');
    if (digits != 0) return at + static_cast<size_t>(std::countr_zero(digits)) / 8;
  }
  return text.size();
}

}  // namespace sluice
