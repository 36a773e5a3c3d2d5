#include "core/text/unicode.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"

namespace sluice::unicode {
namespace {

constexpr int kCategoryVersion = 8;
constexpr int kNormalizationVersion = 9;

bool AssignedBy(char32_t c, int major_version) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] != 0 && age[0] <= major_version;
}

uint32_t CategoryMask(char32_t c) {
  return U_GET_GC_MASK(static_cast<UChar32>(c));
}

struct LowerCaseRange {
  char32_t first, last;
  int32_t distance;
};

// Cased letters of Unicode 16 and 17, younger than ICU 72.
constexpr LowerCaseRange kYoungLowerCase[] = {
    {0x1C89, 0x1C89, 1},      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
    {0xA7CC, 0xA7CC, 1},      {0xA7CE, 0xA7CE, 1},
    {0xA7D2, 0xA7D2, 1},      {0xA7D4, 0xA7D4, 1},
    {0xA7DA, 0xA7DA, 1},      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
    {0x10D50, 0x10D65, 0x20}, {0x16EA0, 0x16EB8, 0x1B},
};

struct CodePointRange {
  char32_t first, last;
};

// Word characters of Unicode 15.1 and 16, younger than ICU 72.
constexpr CodePointRange kYoungWordCharacters[] = {
    {0x897, 0x897},     {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3},
    {0x10D40, 0x10D65}, {0x10D69, 0x10D6D}, {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x10EFC, 0x10EFC},
    {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E}, {0x11390, 0x113B5}, {0x113B7, 0x113C0},
    {0x113C2, 0x113C2}, {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D3}, {0x113E1, 0x113E2},
    {0x116D0, 0x116E3}, {0x11BC0, 0x11BE0}, {0x11BF0, 0x11BF9}, {0x11F5A, 0x11F5A}, {0x13460, 0x143FA},
    {0x16100, 0x16139}, {0x16D40, 0x16D6C}, {0x16D70, 0x16D79}, {0x18CFF, 0x18CFF}, {0x1CCF0, 0x1CCF9},
    {0x1E5D0, 0x1E5FA}, {0x2EBF0, 0x2EE5D},
};

bool IsYoungWordCharacter(char32_t c) {
  const auto* range =
      std::lower_bound(std::begin(kYoungWordCharacters), std::end(kYoungWordCharacters), c,
                       [](const CodePointRange& r, char32_t value) { return r.last < value; });
  return range != std::end(kYoungWordCharacters) && range->first <= c;
}

}  // namespace

char32_t Next(absl::string_view text, size_t* position) {
  UChar32 c;
  U8_NEXT_OR_FFFD(text.data(), *position, text.size(), c);
  return static_cast<char32_t>(c);
}

char32_t At(absl::string_view text, size_t start) {
  return Next(text, &start);
}

char32_t Before(absl::string_view text, size_t end) {
  const size_t window = std::min<size_t>(end, U8_MAX_LENGTH);
  const absl::string_view tail = text.substr(end - window, window);
  int32_t position = static_cast<int32_t>(window);
  UChar32 c;
  U8_PREV_OR_FFFD(tail.data(), 0, position, c);
  return static_cast<char32_t>(c);
}

size_t Length(absl::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char byte) { return !U8_IS_TRAIL(byte); });
}

bool IsWhitespace(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c));
}

bool IsControl(char32_t c) {
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return (CategoryMask(c) & U_GC_C_MASK & ~U_GC_CN_MASK) != 0 && AssignedBy(c, kCategoryVersion);
}

bool IsPunctuation(char32_t c) {
  if (c < 0x80) return absl::ascii_ispunct(static_cast<unsigned char>(c));
  if (c == 0x166D || c == 0x111C9) return true;
  return (CategoryMask(c) & U_GC_P_MASK) != 0 && AssignedBy(c, kCategoryVersion);
}

bool IsNonspacingMark(char32_t c) {
  if (c < 0x300) return false;
  if (c == 0x1734) return true;
  if (c == 0x1885 || c == 0x1886 || c == 0xA9BD || c == 0x111C9) return false;
  return (CategoryMask(c) & U_GC_MN_MASK) != 0 && AssignedBy(c, kCategoryVersion);
}

bool IsMark(char32_t c) {
  if (c < 0x300 || c == 0x111C9) return false;
  if (c == 0x1CF2 || c == 0x1CF3) return true;
  return (CategoryMask(c) & U_GC_M_MASK) != 0 && AssignedBy(c, kNormalizationVersion);
}

bool IsChinese(char32_t c) {
  if (c < 0x3400) return false;
  return (c >= 0x4E00 && c <= 0x9FFF) || c <= 0x4DBF || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

bool IsWordCharacter(char32_t c) {
  const auto code_point = static_cast<UChar32>(c);
  return (CategoryMask(c) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0 ||
         u_isUAlphabetic(code_point) || u_hasBinaryProperty(code_point, UCHAR_JOIN_CONTROL) ||
         IsYoungWordCharacter(c);
}

bool IsNormalizable(char32_t c) {
  return AssignedBy(c, kNormalizationVersion);
}

uint8_t CombiningClass(char32_t c) {
  if (c < 0x300) return 0;
  const uint8_t combining_class = u_getCombiningClass(static_cast<UChar32>(c));
  return combining_class != 0 && IsNormalizable(c) ? combining_class : 0;
}

LowerCase ToLower(char32_t c) {
  if (c == 0x130) return {'i', 0x307};
  for (const LowerCaseRange& range : kYoungLowerCase) {
    if (c < range.first) break;
    if (c <= range.last) return {static_cast<char32_t>(static_cast<int32_t>(c) + range.distance), 0};
  }
  return {static_cast<char32_t>(u_tolower(static_cast<UChar32>(c))), 0};
}

}  // namespace sluice::unicode
