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
  // text is longer and `truncation` is kError. A truncated sequence keeps its special tokens.
  virtual absl::StatusOr<TokenSequence> Encode(absl::string_view text, int max_tokens,
                                               Truncation truncation) const = 0;

  // The whole text in consecutive windows of at most `max_tokens` each (less than 3 counts as 3), every one
  // with its special tokens; a text that fits gives one window, an empty text the window [CLS] [SEP]. The
  // pieces of all windows in a row are the pieces of the text.
  //
  // A window ends before the last word that does not fit whole, if that leaves the window at least half full;
  // a longer word is cut where the window is full. So n pieces make at most 2 n / (max_tokens - 2) + 1
  // windows. A word is what the pre-tokenizer says: a run between white space and punctuation marks.
  virtual std::vector<std::vector<int32_t>> EncodeWindows(absl::string_view text, int max_tokens) const = 0;

  // One more than the largest id.
  virtual int vocabulary_size() const = 0;
};

// Loads `directory`/tokenizer.json. NOT_FOUND names the file; INVALID_ARGUMENT names the file and key of what
// is unsupported (a model other than WordPiece, an unknown normaliser) or malformed; nothing is guessed.
absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizer(absl::string_view directory);

}  // namespace sluice
