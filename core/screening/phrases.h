// Phrases of whole words, looked for all at once in a text that was split once.
#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "core/screening/work_budget.h"
#include "core/text/word_beginnings.h"
#include "core/text/words.h"

namespace sluice {

// A text lowered and split once, for all the rules that read it. `original` must outlive it. For one thread:
// what few rules ask for is made when first asked for.
class ScannedText {
 public:
  explicit ScannedText(absl::string_view text);
  absl::string_view word(size_t index) const { return WordIn(lowered, words[index]); }

  // The word's English stem. The view may live until this thread stems the next word.
  absl::string_view stem(size_t index) const;

  // Whether what stands before the word denies what begins with it: "no", "not", "without", "n't" up to four
  // words before in the same sentence.
  bool DeniedFrom(size_t index) const;
  // Whether what stands behind the word denies what ends with it: "not required", "a plus", "optional" and
  // the like up to four words after.
  bool DeniedUpTo(size_t index) const;

  absl::string_view original;
  std::string lowered;      // byte for byte as long as `original`
  std::vector<Word> words;  // TermWords

 private:
  enum class Known : uint8_t { kNot, kNo, kYes };
  struct WordFacts {
    Known ends_sentence = Known::kNot;  // between it and the next word
    Known denied_from = Known::kNot;
    Known denied_up_to = Known::kNot;
  };

  WordFacts& FactsOf(size_t index) const;
  bool SentenceEndsBehind(size_t index) const;

  mutable std::vector<std::string> stems_;  // "" where not asked for
  mutable std::vector<WordFacts> facts_;
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

// A trie of words: phrases that begin alike are followed together. Immutable and thread-safe.
class PhraseIndex {
 public:
  PhraseIndex(const std::vector<Phrase>& phrases, bool stem);

  // Tells `settles` of places of phrases, in the order of their first words, until it answers that a phrase
  // is settled; that one is not looked for any further. Ends early when all are, or `budget` says so. Its
  // steps do not depend on anything but the phrases, the text and the answers.
  void Find(const ScannedText& text, WorkBudget& budget,
            absl::FunctionRef<bool(const PhraseHit& hit)> settles) const;

 private:
  struct Node {
    int parent = -1;
    int open = 0;               // phrases that end in it or below
    std::vector<int> phrases;   // that end in it
    bool has_words = false;     // an edge is a whole word
    bool has_prefixes = false;  // an edge is a prefix
  };
  class Search;

  int ChildOf(int node, const Phrase::Part& part);
  int WordNumber(const Phrase::Part& part);
  void AddBeginning(const Phrase::Part& part);
  bool MayBegin(absl::string_view word) const;
  static size_t TwoBytesOf(absl::string_view word);

  const bool stem_;
  std::vector<Node> nodes_;  // the first is the root
  // Every word and every prefix of the phrases has a number; an edge leads from a node by one of them.
  absl::flat_hash_map<std::string, int> words_;
  absl::flat_hash_map<std::string, int> prefixes_;
  absl::flat_hash_map<uint64_t, int> edges_;
  std::vector<size_t> prefix_lengths_;  // ascending, each once
  size_t longest_word_ = 0;
  WordBeginnings beginnings_{};           // of the phrases' first words and prefixes,
  std::bitset<1 << 12> stem_beginnings_;  // and of those that are stems
  bool begins_anyhow_ = false;            // some prefix is too short for `beginnings_`
};

}  // namespace sluice
