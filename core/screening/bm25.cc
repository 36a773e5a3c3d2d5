#include "core/screening/bm25.h"

#include <algorithm>
#include <cmath>

#include "core/text/words.h"

namespace sluice {
namespace {

constexpr double kK1 = 1.2;
constexpr double kB = 0.75;
constexpr int kMostCounted = 3;
constexpr size_t kSharesReported = 8;

}  // namespace

Bm25Query::Bm25Query(absl::string_view profile_text, const Background& background)
    : mean_words_(background.mean_words) {
  const std::string lowered = LowerKeepingOffsets(profile_text);
  for (const Word word : ScoringWords(lowered)) {
    if (IsStopWord(WordIn(lowered, word))) continue;
    std::string stem(EnglishStem(WordIn(lowered, word)));
    const auto [found, inserted] = index_by_stem_.try_emplace(stem, static_cast<int>(terms_.size()));
    if (inserted) {
      const double with = background.PostingsWith(stem);
      const double idf = std::log(1 + (background.postings - with + 0.5) / (with + 0.5));
      terms_.push_back({std::string(WordIn(profile_text, word)), 0, idf});
    }
    Term& term = terms_[found->second];
    term.count = std::min(term.count + 1, kMostCounted);
  }
  for (const Term& term : terms_) best_ += term.count * term.idf * (kK1 + 1);
}

std::vector<double> Bm25Query::GainsOf(absl::string_view lowered) const {
  std::vector<double> gains(terms_.size(), 0.0);
  int length = 0;
  for (const Word word : ScoringWords(lowered)) {
    const absl::string_view text = WordIn(lowered, word);
    if (IsStopWord(text)) continue;
    ++length;
    const auto found = index_by_stem_.find(EnglishStem(text));
    if (found != index_by_stem_.end()) gains[found->second] += 1;
  }
  const double saturation = kK1 * (1 - kB + kB * length / mean_words_);
  for (size_t i = 0; i < gains.size(); ++i) {
    gains[i] = terms_[i].count * terms_[i].idf * gains[i] * (kK1 + 1) / (gains[i] + saturation);
  }
  return gains;
}

double Bm25Query::Score(absl::string_view lowered, std::vector<TermContribution>* shares) const {
  if (terms_.empty()) return 0;
  const std::vector<double> gains = GainsOf(lowered);
  double sum = 0;
  for (const double gain : gains) sum += gain;
  if (shares != nullptr && sum > 0) {
    for (size_t i = 0; i < gains.size(); ++i) {
      if (gains[i] > 0) shares->push_back({terms_[i].as_written, gains[i] / sum});
    }
    std::stable_sort(shares->begin(), shares->end(),
                     [](const TermContribution& a, const TermContribution& b) { return a.share > b.share; });
    if (shares->size() > kSharesReported) shares->resize(kSharesReported);
  }
  return sum / best_;
}

}  // namespace sluice
