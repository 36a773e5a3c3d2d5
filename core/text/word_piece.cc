#include "core/text/word_piece.h"

#include "core/text/unicode.h"

namespace sluice {

WordPiece::WordPiece(WordPieceOptions options)
    : pieces_(std::move(options.vocabulary)),
      continuing_(pieces_.Walk(options.continuing_subword_prefix)),
      unknown_id_(options.unknown_id),
      max_chars_(options.max_input_chars_per_word) {}

void WordPiece::Append(absl::string_view word, std::vector<int32_t>* ids) const {
  const size_t before = ids->size();
  const bool too_long = word.size() > max_chars_ && unicode::Length(word) > max_chars_;
  if (!too_long && AppendPieces(word, ids)) return;
  ids->resize(before);
  ids->push_back(unknown_id_);
}

bool WordPiece::AppendPieces(absl::string_view word, std::vector<int32_t>* ids) const {
  StringTrie::Match piece = pieces_.LongestMatch(word);
  while (piece.length > 0) {
    ids->push_back(piece.value);
    word.remove_prefix(piece.length);
    if (word.empty()) return true;
    if (!continuing_.has_value()) return false;
    piece = pieces_.LongestMatch(word, *continuing_);
  }
  return false;
}

}  // namespace sluice
