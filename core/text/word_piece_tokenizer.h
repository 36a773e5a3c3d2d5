// The Tokenizer that LoadTokenizer builds: normaliser, pre-tokenizer and WordPiece in a row.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "core/text/added_tokens.h"
#include "core/text/normalizer.h"
#include "core/text/pre_tokenizer.h"
#include "core/text/tokenizer.h"
#include "core/text/word_piece.h"

namespace sluice {

struct TokenizerParts {
  std::unique_ptr<Normalizer> normalizer;
  PreTokenizer pre_tokenizer = PreTokenizer::kBert;
  WordPieceOptions word_piece;
  std::vector<AddedToken> raw_tokens;         // looked for in the text as given
  std::vector<AddedToken> normalized_tokens;  // looked for in the normalised text, contents normalised too
  std::vector<int32_t> prefix;                // special tokens before the text, as [CLS]
  std::vector<int32_t> suffix;                // and behind it; together one or two
  int vocabulary_size = 0;
};

std::unique_ptr<Tokenizer> MakeWordPieceTokenizer(TokenizerParts parts);

}  // namespace sluice
