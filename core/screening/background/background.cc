#include "core/screening/background/background.h"

#include <algorithm>

namespace sluice {

double Background::PostingsWith(absl::string_view stem) const {
  const BackgroundTerm* const end = terms + term_count;
  const BackgroundTerm* const found = std::lower_bound(
      terms, end, stem, [](const BackgroundTerm& term, absl::string_view s) { return term.stem < s; });
  return found != end && found->stem == stem ? found->postings : 0.5;
}

}  // namespace sluice
