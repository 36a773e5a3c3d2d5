// Cuts normalised text into words, as the pre-tokenizers of the same names do in the reference.
#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/text/unicode.h"

namespace sluice {

enum class PreTokenizer {
  kBert,             // split at white space, every punctuation mark a word of its own
  kWhitespace,       // \w+|[^\w\s]+
  kWhitespaceSplit,  // split at white space
};

namespace internal_pre_tokenizer {

enum class CharClass : uint8_t { kSpace, kWord, kSymbol, kIsolated };

CharClass ClassOf(PreTokenizer kind, char32_t c);
const CharClass* AsciiClasses(PreTokenizer kind);  // 128 of them

}  // namespace internal_pre_tokenizer

// Calls `emit(absl::string_view word)` for each word in order; words are not empty and hold no white space.
// `text` is well-formed UTF-8. Linear time.
template <typename Emit>
void ForEachWord(PreTokenizer kind, absl::string_view text, const Emit& emit) {
  using internal_pre_tokenizer::CharClass;
  const CharClass* const ascii = internal_pre_tokenizer::AsciiClasses(kind);
  CharClass run = CharClass::kSpace;
  size_t start = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t here = i;
    const auto byte = static_cast<unsigned char>(text[i]);
    CharClass next;
    if (byte < 0x80) {
      next = ascii[byte];
      ++i;
    } else {
      next = internal_pre_tokenizer::ClassOf(kind, unicode::Next(text, &i));
    }
    if (next == run && next != CharClass::kIsolated) continue;
    if (run != CharClass::kSpace) emit(text.substr(start, here - start));
    start = here;
    run = next;
  }
  if (run != CharClass::kSpace) emit(text.substr(start));
}

}  // namespace sluice
