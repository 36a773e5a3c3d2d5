// Phrases of whole words, looked for all at once in a text that was split once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/text/words.h"

namespace sluice {

// A text lowered and split once, for all the rules that read it. A value; `original` must outlive it.
struct ScannedText {
  explicit ScannedText(absl::string_view text);
  absl::string_view word(size_t index) const { return WordIn(lowered, words[index]); }

  absl::string_view original;
  std::string lowered;      // byte for byte as long as `original`
  std::vector<Word> words;  // TermWords
};

// A phrase as a profile writes it: words, of which any may end in * for "beginning with".
struct Phrase {
  struct Part {
    std::string word;  // lower case; a stem when the index compares stems
    bool prefix = false;
  };
  std::vector<Part> parts;
};

// An empty phrase when the text has no word.
Phrase ParsePhrase(absl::string_view text);

// Where a phrase stands: words [first_word, last_word] of the text.
struct PhraseHit {
  int phrase = 0;  // its index
  int first_word = 0;
  int last_word = 0;
};

// Immutable and thread-safe.
class PhraseIndex {
 public:
  PhraseIndex(std::vector<Phrase> phrases, bool stem);

  // Every place of every phrase, in the text's order.
  std::vector<PhraseHit> Find(const ScannedText& text) const;

 private:
  bool MatchesAt(const Phrase& phrase, const ScannedText& text, size_t first_word) const;
  bool Matches(const Phrase::Part& part, absl::string_view word) const;

  const std::vector<Phrase> phrases_;
  const bool stem_;
  absl::flat_hash_map<std::string, std::vector<int>> by_first_word_;
  absl::flat_hash_map<std::string, std::vector<int>> by_first_bytes_;  // of phrases that begin with a prefix
};

// Whether the hit is denied: "no", "not", "without", "n't" up to four words before in the same sentence, or
// "not required", "a plus", "optional" and the like up to four words after.
bool IsNegated(const ScannedText& text, const PhraseHit& hit);

}  // namespace sluice
