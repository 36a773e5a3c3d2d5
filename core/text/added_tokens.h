// AddedTokens: the tokens of a tokenizer.json that are found in the text as they stand, before it is cut into
// words: [CLS], [MASK] and what a fine-tuning added.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/text/string_trie.h"

namespace sluice {

struct AddedToken {
  std::string content;  // not empty
  int32_t id = 0;
  bool single_word = false;  // matches only between characters that are no word characters
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and behind it
};

// Leftmost-longest matching of a fixed set of tokens. Immutable and thread-safe.
class AddedTokens {
 public:
  // Of tokens with equal content the first counts.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  // Cuts `text` and calls `on_text(absl::string_view)` and `on_token(int32_t id)` for its parts in order.
  // Linear time.
  template <typename OnText, typename OnToken>
  void Split(absl::string_view text, const OnText& on_text, const OnToken& on_token) const {
    size_t start = 0;
    for (size_t i = tokens_.empty() ? text.size() : 0; i < text.size();) {
      const StringTrie::Match match = starts_[static_cast<unsigned char>(text[i])]
                                          ? trie_.LongestMatch(text.substr(i))
                                          : StringTrie::Match{};
      if (match.length == 0) {
        ++i;
        continue;
      }
      const AddedToken& token = tokens_[match.value];
      const size_t end = i + match.length;
      if (!token.single_word || StandsAlone(text, i, end)) {
        const size_t from = token.lstrip ? StartOfSpace(text, start, i) : i;
        if (start < from) on_text(text.substr(start, from - start));
        on_token(token.id);
        start = token.rstrip ? EndOfSpace(text, std::max(start, end)) : end;
      }
      i = end;
    }
    if (start < text.size()) on_text(text.substr(start));
  }

 private:
  static bool StandsAlone(absl::string_view text, size_t start, size_t end);

  // The white space that ends at `end` and reaches back to `first` at most; the end of the one that starts at
  // `start`.
  static size_t StartOfSpace(absl::string_view text, size_t first, size_t end);
  static size_t EndOfSpace(absl::string_view text, size_t start);

  const std::vector<AddedToken> tokens_;
  const StringTrie trie_;     // content to index in tokens_
  std::vector<bool> starts_;  // the bytes that a token starts with
};

}  // namespace sluice
