#include "core/batching/codel.h"

#include <algorithm>

namespace sluice {

absl::Duration Codel::Patience(absl::Duration oldest_wait, absl::Duration now) {
  if (now < interval_end_) {
    least_wait_ = std::min(least_wait_, oldest_wait);
  } else {
    // An interval in which nothing left says nothing about the present.
    const bool fresh = now < interval_end_ + options_.interval;
    standing_ = fresh && least_wait_ > options_.target;
    interval_end_ = now + options_.interval;
    least_wait_ = oldest_wait;
  }
  // A short wait ends it at once: it need not be proved for an interval that the queue is gone.
  if (oldest_wait <= options_.target) standing_ = false;
  return standing_ ? 2 * options_.target : absl::InfiniteDuration();
}

}  // namespace sluice
