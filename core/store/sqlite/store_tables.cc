#include "core/store/sqlite/store_tables.h"

#include <iterator>

namespace sluice {

void Changes::Merge(Changes other) {
  ready |= other.ready;
  batches.insert(other.batches.begin(), other.batches.end());
  ended_batches.insert(other.ended_batches.begin(), other.ended_batches.end());
  purging.insert(purging.end(), other.purging.begin(), other.purging.end());
  for (const auto& [what, jobs] : other.ended) ended[what] += jobs;
}

}  // namespace sluice
