// Tokenizer: text to token ids, as a Hugging Face tokenizer.json says.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/text/token_sequence.h"

namespace sluice {

// Immutable after creation and thread-safe. Truncation and padding inside tokenizer.json are ignored: the
// limit is the caller's, per call.
//
// Input is meant to be UTF-8. Each maximal ill-formed subsequence counts as one U+FFFD (the Unicode
// standard's recommended practice), so any bytes tokenize, in time linear in their number.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  // [CLS] pieces [SEP], at most `max_tokens` (>= 3) of them. INVALID_ARGUMENT (reason TEXT_TOO_LONG) when the
  // text is longer and `truncation` is kError.
  virtual absl::StatusOr<TokenSequence> Encode(absl::string_view text, int max_tokens,
                                               Truncation truncation) const = 0;

  // The whole text in consecutive windows of at most `max_tokens` each, every one with its special tokens; a
  // text that fits gives one window, an empty text the window [CLS] [SEP].
  virtual std::vector<std::vector<int32_t>> EncodeWindows(absl::string_view text, int max_tokens) const = 0;

  virtual int vocabulary_size() const = 0;
};

// Loads `directory`/tokenizer.json. NOT_FOUND names the file; INVALID_ARGUMENT names the file and key of what
// is unsupported (a model other than WordPiece, an unknown normaliser) or malformed; nothing is guessed.
absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizer(absl::string_view directory);

}  // namespace sluice
