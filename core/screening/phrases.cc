#include "core/screening/phrases.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"

namespace sluice {
namespace {

constexpr size_t kNegationWindow = 4;
constexpr size_t kWordsLeftToStemmer = 8192;
constexpr size_t kBeginningBytes = 3;  // that WordBeginnings looks at

// What Find charges, in steps of a few nanoseconds.
constexpr int64_t kStepsPerWord = 1;    // to see that no phrase begins with it
constexpr int64_t kStepsPerLookUp = 8;  // of a word among those of the phrases, and of an edge
constexpr int64_t kNodesPerStep = 8;    // to begin
constexpr int64_t kStepsPerStem = 4;    // of a word that was stemmed before
constexpr int64_t kStepsPerHit = 16;    // with a look at what denies it
constexpr size_t kBytesHashedPerStep = 16;

bool EndsSentence(absl::string_view between) {
  for (size_t at = 0; at < between.size(); ++at) {
    const char c = between[at];
    if (c == '\n' || c == ';' || c == '!' || c == '?') return true;
    if (c == '.' && (at + 1 == between.size() || between[at + 1] == ' ')) return true;
  }
  return false;
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

uint64_t EdgeKey(int node, int number, bool prefix) {
  return static_cast<uint64_t>(node) << 32 | static_cast<uint64_t>(number) << 1 | uint64_t{prefix};
}

}  // namespace

size_t PhraseIndex::TwoBytesOf(absl::string_view word) {
  const size_t second = word.size() > 1 ? static_cast<unsigned char>(word[1]) : 0;
  return (static_cast<unsigned char>(word[0]) * 64 + second) % (1 << 12);
}

ScannedText::ScannedText(absl::string_view text)
    : original(text), lowered(LowerKeepingOffsets(text)), words(TermWords(lowered)) {}

absl::string_view ScannedText::stem(size_t index) const {
  // The stemmer remembers the words of a text like most. Those of a long one are kept here, because each of
  // many rules asks for all of them.
  if (words.size() <= kWordsLeftToStemmer) return EnglishStem(word(index));
  if (stems_.empty()) stems_.resize(words.size());
  std::string& stem = stems_[index];
  if (stem.empty()) stem = std::string(EnglishStem(word(index)));
  return stem;
}

ScannedText::WordFacts& ScannedText::FactsOf(size_t index) const {
  if (facts_.empty()) facts_.resize(words.size());
  return facts_[index];
}

// Kept as well: what stands between two words may be long, and many hits be near it.
bool ScannedText::SentenceEndsBehind(size_t index) const {
  Known& known = FactsOf(index).ends_sentence;
  if (known == Known::kNot) {
    const absl::string_view between =
        absl::string_view(lowered).substr(words[index].end, words[index + 1].begin - words[index].end);
    known = EndsSentence(between) ? Known::kYes : Known::kNo;
  }
  return known == Known::kYes;
}

bool ScannedText::DeniedFrom(size_t index) const {
  Known& known = FactsOf(index).denied_from;
  if (known != Known::kNot) return known == Known::kYes;
  known = Known::kNo;
  for (size_t step = 1; step <= kNegationWindow && step <= index; ++step) {
    if (SentenceEndsBehind(index - step)) break;
    if (!DeniesWhatFollows(*this, index - step)) continue;
    known = Known::kYes;
    break;
  }
  return known == Known::kYes;
}

bool ScannedText::DeniedUpTo(size_t index) const {
  Known& known = FactsOf(index).denied_up_to;
  if (known != Known::kNot) return known == Known::kYes;
  known = Known::kNo;
  for (size_t step = 1; step <= kNegationWindow && index + step < words.size(); ++step) {
    if (SentenceEndsBehind(index + step - 1)) break;
    if (!DeniesWhatPrecedes(*this, index + step)) continue;
    known = Known::kYes;
    break;
  }
  return known == Known::kYes;
}

Phrase ParsePhrase(absl::string_view text) {
  const std::string lowered = LowerKeepingOffsets(text);
  Phrase phrase;
  for (const Word word : TermWords(lowered)) {
    const bool prefix = static_cast<size_t>(word.end) < lowered.size() && lowered[word.end] == '*';
    phrase.parts.push_back({std::string(WordIn(lowered, word)), prefix});
  }
  return phrase;
}

PhraseIndex::PhraseIndex(const std::vector<Phrase>& phrases, bool stem) : stem_(stem), nodes_(1) {
  for (size_t i = 0; i < phrases.size(); ++i) {
    if (phrases[i].parts.empty()) continue;
    AddBeginning(phrases[i].parts.front());
    int node = 0;
    ++nodes_[0].open;
    for (const Phrase::Part& part : phrases[i].parts) {
      node = ChildOf(node, part);
      ++nodes_[node].open;
    }
    nodes_[node].phrases.push_back(static_cast<int>(i));
  }
  for (const auto& [prefix, number] : prefixes_) prefix_lengths_.push_back(prefix.size());
  std::sort(prefix_lengths_.begin(), prefix_lengths_.end());
  prefix_lengths_.erase(std::unique(prefix_lengths_.begin(), prefix_lengths_.end()), prefix_lengths_.end());
}

int PhraseIndex::WordNumber(const Phrase::Part& part) {
  auto& numbers = part.prefix ? prefixes_ : words_;
  std::string word = stem_ && !part.prefix ? std::string(EnglishStem(part.word)) : part.word;
  if (!part.prefix) longest_word_ = std::max(longest_word_, word.size());
  return numbers.try_emplace(std::move(word), static_cast<int>(numbers.size())).first->second;
}

int PhraseIndex::ChildOf(int node, const Phrase::Part& part) {
  (part.prefix ? nodes_[node].has_prefixes : nodes_[node].has_words) = true;
  const auto [edge, inserted] =
      edges_.try_emplace(EdgeKey(node, WordNumber(part), part.prefix), static_cast<int>(nodes_.size()));
  if (inserted) nodes_.push_back({.parent = node});
  return edge->second;
}

void PhraseIndex::AddBeginning(const Phrase::Part& part) {
  if (stem_ && !part.prefix) {
    stem_beginnings_.set(TwoBytesOf(EnglishStem(part.word)));
    return;
  }
  begins_anyhow_ = begins_anyhow_ || (part.prefix && part.word.size() < kBeginningBytes);
  beginnings_.Add(part.word);
}

bool PhraseIndex::MayBegin(absl::string_view word) const {
  if (begins_anyhow_ || beginnings_.MayBegin(word)) return true;
  // The English stemmer keeps a word's first two letters, but for dying, lying and tying (die, lie, tie).
  return stem_ && (stem_beginnings_.test(TwoBytesOf(word)) || (word.size() == 5 && word.substr(1) == "ying"));
}

// One text's walk through the trie: from every word on, along all edges that lead to phrases not settled.
class PhraseIndex::Search {
 public:
  Search(const PhraseIndex& index, const ScannedText& text, WorkBudget& budget,
         absl::FunctionRef<bool(const PhraseHit& hit)> settles)
      : index_(index), text_(text), budget_(budget), settles_(settles), open_(index.nodes_.size()) {
    for (size_t i = 0; i < open_.size(); ++i) open_[i] = index.nodes_[i].open;
  }

  // False: there is nothing more to look for, or no more to spend.
  bool From(size_t first_word) {
    ahead_.assign(1, {0, first_word});
    while (!ahead_.empty()) {
      const Place place = ahead_.back();
      ahead_.pop_back();
      if (open_[place.node] == 0) continue;
      if (!Tell(place, first_word)) return false;
      if (place.word < text_.words.size() && !Follow(place)) return false;
    }
    return open_[0] > 0;
  }

 private:
  struct Place {
    int node = 0;
    size_t word = 0;  // the next one
  };

  bool Tell(const Place& place, size_t first_word) {
    for (const int phrase : index_.nodes_[place.node].phrases) {
      if (!budget_.Spend(kStepsPerHit)) return false;
      if (settled_.contains(phrase)) continue;
      const PhraseHit hit{phrase, static_cast<int>(first_word), static_cast<int>(place.word) - 1};
      if (!settles_(hit)) continue;
      settled_.insert(phrase);
      for (int node = place.node; node >= 0; node = index_.nodes_[node].parent) --open_[node];
    }
    return true;
  }

  bool Follow(const Place& place) {
    const Node& node = index_.nodes_[place.node];
    const absl::string_view word = text_.word(place.word);
    const absl::string_view compared = index_.stem_ && node.has_words ? text_.stem(place.word) : word;
    if (index_.stem_ && !budget_.Spend(kStepsPerStem)) return false;
    if (node.has_words && compared.size() <= index_.longest_word_) {
      if (!budget_.Spend(CostOf(compared.size()))) return false;
      Take(place, index_.words_, compared, /*prefix=*/false);
    }
    if (!node.has_prefixes) return true;
    for (const size_t length : index_.prefix_lengths_) {
      if (length > word.size()) break;
      if (!budget_.Spend(CostOf(length))) return false;
      Take(place, index_.prefixes_, word.substr(0, length), /*prefix=*/true);
    }
    return true;
  }

  static int64_t CostOf(size_t bytes) {
    return kStepsPerLookUp + static_cast<int64_t>(bytes / kBytesHashedPerStep);
  }

  void Take(const Place& place, const absl::flat_hash_map<std::string, int>& numbers, absl::string_view word,
            bool prefix) {
    const auto number = numbers.find(word);
    if (number == numbers.end()) return;
    const auto edge = index_.edges_.find(EdgeKey(place.node, number->second, prefix));
    if (edge != index_.edges_.end()) ahead_.push_back({edge->second, place.word + 1});
  }

  const PhraseIndex& index_;
  const ScannedText& text_;
  WorkBudget& budget_;
  const absl::FunctionRef<bool(const PhraseHit& hit)> settles_;
  std::vector<int> open_;  // of each node: phrases in it or below that are not settled
  absl::flat_hash_set<int> settled_;
  std::vector<Place> ahead_;
};

void PhraseIndex::Find(const ScannedText& text, WorkBudget& budget,
                       absl::FunctionRef<bool(const PhraseHit& hit)> settles) const {
  const auto words = static_cast<int64_t>(text.words.size());
  const auto nodes = static_cast<int64_t>(nodes_.size());
  if (words == 0 || !budget.Spend(words * kStepsPerWord + nodes / kNodesPerStep)) return;
  std::optional<Search> search;  // most rules find nothing in most texts
  for (size_t at = 0; at < text.words.size(); ++at) {
    if (!MayBegin(text.word(at))) continue;
    if (!search.has_value()) search.emplace(*this, text, budget, settles);
    if (!search->From(at)) return;
  }
}

}  // namespace sluice
