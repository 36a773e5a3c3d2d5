// TokenSequence: a text as the encoder sees it, special tokens included.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

struct TokenSequence {
  std::vector<int32_t> ids;
  bool truncated = false;          // tokens were cut to fit the limit
  int64_t untruncated_tokens = 0;  // how many there would be without the limit, special tokens included
};

// What to do with a text over the token limit. There is no default: the caller says.
enum class Truncation {
  kError,  // INVALID_ARGUMENT naming the count and the limit
  kEnd,    // keep the first tokens
  kStart,  // keep the last tokens
};

}  // namespace sluice
