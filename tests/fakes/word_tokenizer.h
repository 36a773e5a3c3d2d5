// WordTokenizer: a Tokenizer whose tokens are the words between blanks, [CLS] 0, [SEP] 1.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/error_details.h"
#include "core/text/tokenizer.h"

namespace sluice {

class WordTokenizer final : public Tokenizer {
 public:
  absl::StatusOr<TokenSequence> Encode(absl::string_view text, int max_tokens,
                                       Truncation truncation) const override {
    std::vector<int32_t> words = Words(text);
    TokenSequence sequence;
    sequence.untruncated_tokens = static_cast<int64_t>(words.size()) + 2;
    if (sequence.untruncated_tokens > max_tokens) {
      if (truncation == Truncation::kError) {
        return WithReason(absl::InvalidArgumentError(absl::StrCat(sequence.untruncated_tokens,
                                                                  " tokens, the limit is ", max_tokens)),
                          "TEXT_TOO_LONG");
      }
      sequence.truncated = true;
      const auto cut = static_cast<int64_t>(words.size()) - (max_tokens - 2);
      if (truncation == Truncation::kEnd) {
        words.resize(max_tokens - 2);
      } else {
        words.erase(words.begin(), words.begin() + cut);
      }
    }
    sequence.ids = Framed(words.begin(), words.end());
    return sequence;
  }

  std::vector<std::vector<int32_t>> EncodeWindows(absl::string_view text, int max_tokens) const override {
    const std::vector<int32_t> words = Words(text);
    const size_t step = max_tokens - 2;
    std::vector<std::vector<int32_t>> windows;
    for (size_t begin = 0; begin == 0 || begin < words.size(); begin += step) {
      const size_t end = std::min(begin + step, words.size());
      windows.push_back(
          Framed(words.begin() + static_cast<int64_t>(begin), words.begin() + static_cast<int64_t>(end)));
    }
    return windows;
  }

  int vocabulary_size() const override { return 1000; }

 private:
  static std::vector<int32_t> Words(absl::string_view text) {
    std::vector<int32_t> ids;
    for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
      uint32_t hash = 2166136261u;
      for (char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
      ids.push_back(2 + static_cast<int32_t>(hash % 998));
    }
    return ids;
  }
  template <typename Iterator>
  static std::vector<int32_t> Framed(Iterator begin, Iterator end) {
    std::vector<int32_t> ids = {0};
    ids.insert(ids.end(), begin, end);
    ids.push_back(1);
    return ids;
  }
};

}  // namespace sluice
