#include "core/screening/phrases.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"

namespace sluice {
namespace {

constexpr int kNegationWindow = 4;
constexpr size_t kPrefixBytes = 2;

bool EndsSentence(absl::string_view between) {
  for (size_t at = 0; at < between.size(); ++at) {
    const char c = between[at];
    if (c == '\n' || c == ';' || c == '!' || c == '?') return true;
    if (c == '.' && (at + 1 == between.size() || between[at + 1] == ' ')) return true;
  }
  return false;
}

absl::string_view Between(const ScannedText& text, size_t left_word, size_t right_word) {
  return absl::string_view(text.lowered)
      .substr(text.words[left_word].end, text.words[right_word].begin - text.words[left_word].end);
}

bool IsContractedNot(const ScannedText& text, size_t index) {
  return text.word(index) == "t" && index > 0 && absl::EndsWith(text.word(index - 1), "n") &&
         text.words[index].begin - text.words[index - 1].end <= 3;
}

bool DeniesWhatFollows(const ScannedText& text, size_t index) {
  const absl::string_view word = text.word(index);
  if (word == "not" || word == "no") {
    const bool only = index + 1 < text.words.size() && text.word(index + 1) == "only";
    return !only;
  }
  return word == "without" || word == "never" || word == "cannot" || IsContractedNot(text, index);
}

bool DeniesWhatPrecedes(const ScannedText& text, size_t index) {
  const absl::string_view word = text.word(index);
  const absl::string_view next = index + 1 < text.words.size() ? text.word(index + 1) : absl::string_view();
  const absl::string_view third = index + 2 < text.words.size() ? text.word(index + 2) : absl::string_view();
  if (word == "not" || IsContractedNot(text, index)) {
    return next == "required" || next == "needed" || next == "necessary" || next == "expected" ||
           next == "a" || next == "essential" || next == "mandatory" || next == "available";
  }
  if (word == "a" || word == "an") return next == "plus" || next == "bonus" || next == "advantage";
  return word == "optional" || (word == "nice" && next == "to" && third == "have");
}

}  // namespace

ScannedText::ScannedText(absl::string_view text)
    : original(text), lowered(LowerKeepingOffsets(text)), words(TermWords(lowered)) {}

Phrase ParsePhrase(absl::string_view text) {
  const std::string lowered = LowerKeepingOffsets(text);
  Phrase phrase;
  for (const Word word : TermWords(lowered)) {
    const bool prefix = static_cast<size_t>(word.end) < lowered.size() && lowered[word.end] == '*';
    phrase.parts.push_back({std::string(WordIn(lowered, word)), prefix});
  }
  return phrase;
}

PhraseIndex::PhraseIndex(std::vector<Phrase> phrases, bool stem)
    : phrases_([&] {
        if (!stem) return std::move(phrases);
        for (Phrase& phrase : phrases) {
          for (Phrase::Part& part : phrase.parts) {
            if (!part.prefix) part.word = std::string(EnglishStem(part.word));
          }
        }
        return std::move(phrases);
      }()),
      stem_(stem) {
  for (size_t i = 0; i < phrases_.size(); ++i) {
    if (phrases_[i].parts.empty()) continue;
    const Phrase::Part& first = phrases_[i].parts.front();
    auto& index =
        first.prefix ? by_first_bytes_[first.word.substr(0, kPrefixBytes)] : by_first_word_[first.word];
    index.push_back(static_cast<int>(i));
  }
}

bool PhraseIndex::Matches(const Phrase::Part& part, absl::string_view word) const {
  if (part.prefix) return absl::StartsWith(word, part.word);
  return stem_ ? EnglishStem(word) == part.word : word == part.word;
}

bool PhraseIndex::MatchesAt(const Phrase& phrase, const ScannedText& text, size_t first_word) const {
  if (first_word + phrase.parts.size() > text.words.size()) return false;
  for (size_t i = 0; i < phrase.parts.size(); ++i) {
    if (!Matches(phrase.parts[i], text.word(first_word + i))) return false;
  }
  return true;
}

std::vector<PhraseHit> PhraseIndex::Find(const ScannedText& text) const {
  std::vector<PhraseHit> hits;
  const auto try_all = [&](const std::vector<int>& candidates, size_t at) {
    for (const int candidate : candidates) {
      if (!MatchesAt(phrases_[candidate], text, at)) continue;
      const int last = static_cast<int>(at + phrases_[candidate].parts.size()) - 1;
      hits.push_back({candidate, static_cast<int>(at), last});
    }
  };
  for (size_t at = 0; at < text.words.size(); ++at) {
    const absl::string_view word = text.word(at);
    if (!by_first_word_.empty()) {
      const auto found = by_first_word_.find(stem_ ? EnglishStem(word) : word);
      if (found != by_first_word_.end()) try_all(found->second, at);
    }
    if (!by_first_bytes_.empty()) {
      const auto found = by_first_bytes_.find(word.substr(0, kPrefixBytes));
      if (found != by_first_bytes_.end()) try_all(found->second, at);
    }
  }
  return hits;
}

bool IsNegated(const ScannedText& text, const PhraseHit& hit) {
  for (int step = 1; step <= kNegationWindow && hit.first_word - step >= 0; ++step) {
    const size_t index = hit.first_word - step;
    if (EndsSentence(Between(text, index, index + 1))) break;
    if (DeniesWhatFollows(text, index)) return true;
  }
  const int words = static_cast<int>(text.words.size());
  for (int step = 1; step <= kNegationWindow && hit.last_word + step < words; ++step) {
    const size_t index = hit.last_word + step;
    if (EndsSentence(Between(text, index - 1, index))) break;
    if (DeniesWhatPrecedes(text, index)) return true;
  }
  return false;
}

}  // namespace sluice
