#include "core/text/word_piece_tokenizer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

constexpr int kMinMaxTokens = 3;

struct Pieces {
  std::vector<int32_t> ids;
  std::vector<size_t> word_starts;  // indices into ids, ascending; filled for EncodeWindows only
};

class WordPieceTokenizer final : public Tokenizer {
 public:
  explicit WordPieceTokenizer(TokenizerParts parts)
      : normalizer_(std::move(parts.normalizer)),
        pre_tokenizer_(parts.pre_tokenizer),
        word_piece_(std::move(parts.word_piece)),
        raw_tokens_(std::move(parts.raw_tokens)),
        normalized_tokens_(std::move(parts.normalized_tokens)),
        prefix_(std::move(parts.prefix)),
        suffix_(std::move(parts.suffix)),
        vocabulary_size_(parts.vocabulary_size) {}

  absl::StatusOr<TokenSequence> Encode(absl::string_view text, int max_tokens,
                                       Truncation truncation) const override {
    if (max_tokens < kMinMaxTokens) {
      return absl::InvalidArgumentError(absl::StrCat("max_tokens: ", max_tokens, " is below ", kMinMaxTokens,
                                                     ", a token and its special tokens"));
    }
    const Pieces pieces = Cut(text, /*mark_word_starts=*/false);
    absl::Span<const int32_t> kept = pieces.ids;
    TokenSequence sequence;
    sequence.untruncated_tokens = static_cast<int64_t>(kept.size() + prefix_.size() + suffix_.size());
    sequence.truncated = sequence.untruncated_tokens > max_tokens;
    if (sequence.truncated) {
      const size_t room = Room(max_tokens);
      switch (truncation) {
        case Truncation::kError:
          return TooLong(sequence.untruncated_tokens, max_tokens);
        case Truncation::kEnd:
          kept = kept.first(room);
          break;
        case Truncation::kStart:
          kept = kept.last(room);
          break;
      }
    }
    sequence.ids = WithSpecialTokens(kept);
    return sequence;
  }

  std::vector<std::vector<int32_t>> EncodeWindows(absl::string_view text, int max_tokens) const override {
    const Pieces pieces = Cut(text, /*mark_word_starts=*/true);
    const absl::Span<const int32_t> ids = pieces.ids;
    const size_t room = Room(std::max(max_tokens, kMinMaxTokens));
    std::vector<std::vector<int32_t>> windows;
    size_t start = 0;
    do {
      const size_t end = WindowEnd(pieces, start, room);
      windows.push_back(WithSpecialTokens(ids.subspan(start, end - start)));
      start = end;
    } while (start < ids.size());
    return windows;
  }

  int vocabulary_size() const override { return vocabulary_size_; }

 private:
  static absl::Status TooLong(int64_t tokens, int max_tokens) {
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat("the text has ", tokens, " tokens, the limit is ", max_tokens,
                                                "; shorten it or ask for truncation")),
        "TEXT_TOO_LONG");
  }

  static size_t WindowEnd(const Pieces& pieces, size_t start, size_t room) {
    const size_t limit = start + room;
    if (limit >= pieces.ids.size()) return pieces.ids.size();
    const auto behind = std::upper_bound(pieces.word_starts.begin(), pieces.word_starts.end(), limit);
    const size_t word_start = *std::prev(behind);
    return word_start >= start + (room + 1) / 2 ? word_start : limit;
  }

  size_t Room(int max_tokens) const {
    return static_cast<size_t>(max_tokens) - prefix_.size() - suffix_.size();
  }

  std::vector<int32_t> WithSpecialTokens(absl::Span<const int32_t> ids) const {
    std::vector<int32_t> all;
    all.reserve(prefix_.size() + ids.size() + suffix_.size());
    all.insert(all.end(), prefix_.begin(), prefix_.end());
    all.insert(all.end(), ids.begin(), ids.end());
    all.insert(all.end(), suffix_.begin(), suffix_.end());
    return all;
  }

  Pieces Cut(absl::string_view text, bool mark_word_starts) const {
    constexpr size_t kUsualBytesPerToken = 4;
    Pieces pieces;
    pieces.ids.reserve(text.size() / kUsualBytesPerToken);
    std::string normalized;
    const auto begin_word = [&] {
      if (mark_word_starts) pieces.word_starts.push_back(pieces.ids.size());
    };
    const auto append_word = [&](absl::string_view word) {
      begin_word();
      word_piece_.Append(word, &pieces.ids);
    };
    const auto append_token = [&](int32_t id) {
      begin_word();
      pieces.ids.push_back(id);
    };
    const auto append_words = [&](absl::string_view part) { ForEachWord(pre_tokenizer_, part, append_word); };
    const auto append_raw = [&](absl::string_view part) {
      normalizer_->Normalize(part, &normalized);
      normalized_tokens_.Split(normalized, append_words, append_token);
    };
    raw_tokens_.Split(text, append_raw, append_token);
    return pieces;
  }

  const std::unique_ptr<Normalizer> normalizer_;
  const PreTokenizer pre_tokenizer_;
  const WordPiece word_piece_;
  const AddedTokens raw_tokens_;
  const AddedTokens normalized_tokens_;
  const std::vector<int32_t> prefix_;
  const std::vector<int32_t> suffix_;
  const int vocabulary_size_;
};

}  // namespace

std::unique_ptr<Tokenizer> MakeWordPieceTokenizer(TokenizerParts parts) {
  return std::make_unique<WordPieceTokenizer>(std::move(parts));
}

}  // namespace sluice
