// Background: term statistics of a collection of postings, so that a batch of any size gets the same idf.
#pragma once

#include <cstddef>
#include <iterator>

#include "absl/strings/string_view.h"

namespace sluice {

struct BackgroundTerm {
  const char* stem;
  int postings;  // that have it
};

struct Background {
  int postings = 0;
  double mean_words = 0;                  // of a posting, stop words left out
  const BackgroundTerm* terms = nullptr;  // by stem, in byte order
  size_t term_count = 0;

  // In how many postings the stem occurs; 0.5 when it is not in the table.
  double PostingsWith(absl::string_view stem) const;
};

const Background& ShippedBackground();

}  // namespace sluice
