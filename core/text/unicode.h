// What the reference tokenizer (the Rust crate `tokenizers`, 0.23) takes each code point for.
//
// The reference mixes Unicode versions: general categories are those of 8.0, normalisation forms and
// combining classes those of 9.0, word characters those of 16.0, lower case that of 17.0. ICU knows one
// version, 15 or later, and each code point's age: a younger code point counts as unassigned, and the few
// whose property changed since then are listed in the source.
//
// Pure functions, safe from any thread.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"

namespace sluice::unicode {

constexpr char32_t kReplacement = 0xFFFD;

// The code point at `*position`, which moves behind it; U+FFFD for each maximal ill-formed subsequence.
// Requires *position < text.size().
char32_t Next(absl::string_view text, size_t* position);

// The code point that ends at `end`, and the one that starts at `start`; U+FFFD where the bytes are
// ill-formed. Requires 0 < end <= text.size(), start < text.size().
char32_t Before(absl::string_view text, size_t end);
char32_t At(absl::string_view text, size_t start);

// Number of code points in well-formed UTF-8.
size_t Length(absl::string_view text);

bool IsWhitespace(char32_t c);      // White_Space
bool IsControl(char32_t c);         // Cc, Cf, Co but tab, line feed and carriage return; not Cn
bool IsPunctuation(char32_t c);     // P* and all ASCII that is neither letter, digit, space nor control
bool IsNonspacingMark(char32_t c);  // Mn
bool IsMark(char32_t c);            // Mn, Mc, Me
bool IsChinese(char32_t c);        // BERT's blocks of CJK ideographs, the reference's gap at U+2B820 included
bool IsWordCharacter(char32_t c);  // \w of a regular expression: Alphabetic, M*, Nd, Pc, Join_Control

// 0 for starters.
uint8_t CombiningClass(char32_t c);

// Whether normalisation touches the code point at all.
bool IsNormalizable(char32_t c);

// The lower case of one code point regardless of its neighbours (so no final sigma). `second` is 0 for all
// but U+0130.
struct LowerCase {
  char32_t first;
  char32_t second;
};
LowerCase ToLower(char32_t c);

}  // namespace sluice::unicode
