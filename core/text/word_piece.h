// WordPiece: one word to the ids of its pieces, the longest piece first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/text/string_trie.h"

namespace sluice {

struct WordPieceOptions {
  std::vector<std::pair<std::string, int32_t>> vocabulary;  // distinct pieces, ids not negative
  std::string continuing_subword_prefix = "##";             // what pieces inside a word begin with
  int32_t unknown_id = 0;
  size_t max_input_chars_per_word = 100;  // code points; a longer word is unknown
};

// Immutable and thread-safe.
class WordPiece {
 public:
  explicit WordPiece(WordPieceOptions options);

  // Appends the ids of `word` (well-formed UTF-8, not empty), or unknown_id alone when it is too long or no
  // pieces make it up. Time: linear in the word times the longest piece of the vocabulary.
  void Append(absl::string_view word, std::vector<int32_t>* ids) const;

  std::optional<int32_t> Find(absl::string_view piece) const { return pieces_.Find(piece); }

 private:
  bool AppendPieces(absl::string_view word, std::vector<int32_t>* ids) const;

  const StringTrie pieces_;
  const std::optional<StringTrie::Node> continuing_;  // where pieces inside a word start
  const int32_t unknown_id_;
  const size_t max_chars_;
};

}  // namespace sluice
