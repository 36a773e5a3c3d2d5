// BM25 of one profile against postings, with a background idf.
//
// Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009); k1 = 1.2, b =
// 0.75. A term of the profile counts at most three times. The score is divided by the best any posting could
// reach.
#pragma once

#include <bitset>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/screening/background/background.h"
#include "core/screening/verdict.h"

namespace sluice {

// Immutable and thread-safe.
class Bm25Query {
 public:
  explicit Bm25Query(absl::string_view profile_text, const Background& background = ShippedBackground());

  bool empty() const { return terms_.empty(); }

  // In 0..1. `lowered` is LowerKeepingOffsets of the posting's text. `shares`, when not null, gets the eight
  // terms that gave most of it.
  double Score(absl::string_view lowered, std::vector<TermContribution>* shares = nullptr) const;

 private:
  struct Term {
    std::string as_written;  // its first form in the profile
    int count = 0;           // in the profile, at most 3
    double idf = 0;
  };

  std::vector<double> GainsOf(absl::string_view lowered) const;
  bool MayStemToTerm(absl::string_view word) const;

  const double mean_words_;
  absl::flat_hash_map<std::string, int> index_by_stem_;
  std::vector<Term> terms_;
  std::bitset<1 << 12>
      beginnings_;  // of the terms: stemming a word is dear, and hardly changes how it begins
  double best_ = 0;
};

}  // namespace sluice
