#include "client/cpp/formats/utf16.h"

#include "absl/strings/match.h"
#include "client/cpp/formats/utf8.h"

namespace sluice {

std::optional<ByteOrder> Utf16OrderOf(absl::string_view prefix) {
  if (absl::StartsWith(prefix, "\xFF\xFE")) return ByteOrder::kLittleEndian;
  if (absl::StartsWith(prefix, "\xFE\xFF")) return ByteOrder::kBigEndian;
  constexpr size_t kLookedAt = 8;
  if (prefix.size() < kLookedAt) return std::nullopt;
  const auto every_other_is_nul = [&](size_t first_nul) {
    for (size_t i = 0; i < kLookedAt; ++i) {
      if ((prefix[i] == '\0') != (i % 2 == first_nul)) return false;
    }
    return true;
  };
  if (every_other_is_nul(1)) return ByteOrder::kLittleEndian;
  if (every_other_is_nul(0)) return ByteOrder::kBigEndian;
  return std::nullopt;
}

bool Utf16Decoder::TakeUnit(char16_t unit, std::string& out) {
  const bool low = unit >= 0xDC00 && unit <= 0xDFFF;
  if (low != (high_ != 0)) return false;
  if (unit >= 0xD800 && unit <= 0xDBFF) {
    high_ = unit;
  } else if (low) {
    AppendUtf8(out, 0x10000 + ((char32_t{high_} - 0xD800) << 10) + (char32_t{unit} - 0xDC00));
    high_ = 0;
  } else {
    AppendUtf8(out, unit);
  }
  return true;
}

bool Utf16Decoder::Decode(absl::string_view piece, std::string& out) {
  for (const char byte : piece) {
    half_.push_back(byte);
    if (half_.size() < 2) continue;
    const auto first = static_cast<unsigned char>(half_[0]), second = static_cast<unsigned char>(half_[1]);
    half_.clear();
    const int unit = order_ == ByteOrder::kLittleEndian ? first + second * 256 : first * 256 + second;
    if (!TakeUnit(static_cast<char16_t>(unit), out)) return false;
  }
  return true;
}

}  // namespace sluice
