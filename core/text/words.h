// Words of a text, as screening rules and BM25 see them. Pure functions; a stemmer and its memory per thread.
//
// Every offset counts bytes of the text given. Input is meant to be UTF-8; bytes that are not separate words.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// Lower case that keeps every offset: a code point whose lower case has another length in UTF-8 (İ, ẞ, the
// Kelvin sign) stays as it is, and so does what is no UTF-8.
std::string LowerKeepingOffsets(absl::string_view text);

struct Word {
  int begin = 0;
  int end = 0;
};

inline absl::string_view WordIn(absl::string_view text, Word word) {
  return text.substr(word.begin, word.end - word.begin);
}

// The words of rules: a run of letters and digits with inner . - & and inner or trailing + and #, or with a
// leading dot (.NET): "c++", "c#", ".net", "node.js", "l&d", "full-time" are one word each, and "java" is
// none of "javascript"'s. "/" is a word of its own, so that "java/kotlin" has the word "java" and "ci/cd"
// still is a phrase. `lowered` is LowerKeepingOffsets of the text.
std::vector<Word> TermWords(absl::string_view lowered);

// The words of BM25, those of the benchmark's reference: [a-z0-9][a-z0-9+#]*([.'-][a-z0-9+#]+)*, with the
// letters of all scripts.
std::vector<Word> ScoringWords(absl::string_view lowered);

// Words too frequent to tell postings apart.
bool IsStopWord(absl::string_view lowered_word);

// Snowball's English stem. The view lives until this thread calls again.
absl::string_view EnglishStem(absl::string_view lowered_word);

}  // namespace sluice
