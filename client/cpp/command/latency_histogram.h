// LatencyHistogram: how long things took, in log-linear buckets: every value is kept within 1.6 % of itself,
// from a microsecond to hours, in about 2,000 counters.
//
// The layout is that of Gil Tene's HdrHistogram: each power of two is cut into 64 equal buckets.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace sluice {

// A value; not thread-safe.
class LatencyHistogram {
 public:
  // Below zero counts as zero, above kMaxHours as that.
  void Record(absl::Duration latency);
  void Add(const LatencyHistogram& other);

  int64_t count() const { return count_; }
  absl::Duration max() const { return max_; }  // exact; zero when empty
  absl::Duration Mean() const;                 // exact to the microsecond; zero when empty
  // The least bucket's end that a share `quantile` in (0, 1] of all values does not exceed, and never more
  // than max(); zero when empty.
  absl::Duration Quantile(double quantile) const;

  static constexpr int64_t kMaxHours = 19;

 private:
  std::vector<int64_t> buckets_;  // as long as the largest value needs
  int64_t count_ = 0;
  int64_t sum_microseconds_ = 0;
  absl::Duration max_ = absl::ZeroDuration();
};

}  // namespace sluice
