#include "client/cpp/formats/utf8.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <array>
#include <cstdint>

namespace sluice {
namespace {

// 0x80..0x9F; 0 where Windows-1252 has no character.
constexpr std::array<char16_t, 32> kWindows1252 = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

constexpr char32_t kReplacement = 0xFFFD;

}  // namespace

void AppendUtf8(std::string& out, char32_t code_point) {
  char bytes[U8_MAX_LENGTH];
  int32_t length = 0;
  UBool failed = false;
  U8_APPEND(bytes, length, U8_MAX_LENGTH, static_cast<UChar32>(code_point), failed);
  if (failed) return AppendUtf8(out, kReplacement);
  out.append(bytes, length);
}

std::string FoldedCase(absl::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (int32_t position = 0; position < static_cast<int32_t>(text.size());) {
    UChar32 c = 0;
    U8_NEXT(text.data(), position, static_cast<int32_t>(text.size()), c);
    AppendUtf8(out, c < 0 ? kReplacement : static_cast<char32_t>(u_foldCase(c, U_FOLD_CASE_DEFAULT)));
  }
  return out;
}

std::string Utf8FromWindows1252(absl::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
    } else if (byte >= 0xA0) {
      AppendUtf8(out, byte);
    } else {
      const char16_t mapped = kWindows1252[byte - 0x80];
      AppendUtf8(out, mapped == 0 ? kReplacement : mapped);
    }
  }
  return out;
}

}  // namespace sluice
