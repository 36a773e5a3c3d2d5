// WorkRate: tokens a second over the last ten seconds that one replica was busy, and how its passes compare
// with what a cost model says of them. Idle time does not count.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "absl/time/time.h"

namespace sluice {

// A value; not thread-safe. Holds at most eleven sums, however short the passes.
class WorkRate {
 public:
  // `predicted` is what the cost model says; zero without one.
  void Add(int64_t tokens, absl::Duration busy, absl::Duration predicted = absl::ZeroDuration()) {
    if (sums_.empty() || sums_.back().busy >= absl::Seconds(1)) sums_.emplace_back();
    sums_.back().tokens += tokens;
    sums_.back().busy += busy;
    sums_.back().predicted += predicted;
    absl::Duration kept = absl::ZeroDuration();
    for (const Sum& sum : sums_) kept += sum.busy;
    while (sums_.size() > 1 && kept - sums_.front().busy >= absl::Seconds(10)) {
      kept -= sums_.front().busy;
      sums_.pop_front();
    }
  }

  // Within `budget` at that rate, 1 to `most`; `most` before any work.
  int64_t TokensWithin(absl::Duration budget, int64_t most) const {
    const double rate = TokensPerSecond();
    if (!(rate > 0)) return most;
    const double tokens = rate * absl::ToDoubleSeconds(budget);
    return tokens < static_cast<double>(most) ? std::max<int64_t>(1, static_cast<int64_t>(tokens)) : most;
  }

  // 0 before any work.
  double TokensPerSecond() const {
    const Sum all = All();
    return all.busy > absl::ZeroDuration() ? static_cast<double>(all.tokens) / absl::ToDoubleSeconds(all.busy)
                                           : 0;
  }

  // How many times as long as predicted the work took; 1 before any that was predicted.
  double Slowness() const {
    const Sum all = All();
    return all.predicted > absl::ZeroDuration() && all.busy > absl::ZeroDuration()
               ? absl::FDivDuration(all.busy, all.predicted)
               : 1;
  }

 private:
  struct Sum {
    int64_t tokens = 0;
    absl::Duration busy = absl::ZeroDuration();
    absl::Duration predicted = absl::ZeroDuration();
  };

  Sum All() const {
    Sum all;
    for (const Sum& sum : sums_) {
      all.tokens += sum.tokens;
      all.busy += sum.busy;
      all.predicted += sum.predicted;
    }
    return all;
  }

  std::deque<Sum> sums_;
};

}  // namespace sluice
