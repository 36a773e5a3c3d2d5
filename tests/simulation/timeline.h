// Timeline: what happens when, in virtual time, on one thread.
#pragma once

#include <map>
#include <utility>

#include "core/base/executor.h"
#include "tests/fakes/simulated_clock.h"
#include "tests/simulation/faults.h"

namespace sluice {

// Events of the same moment run in the order in which they were asked for.
class Timeline {
 public:
  explicit Timeline(SimulatedClock& clock) : clock_(clock) {}

  void After(absl::Duration delay, Closure event) {
    events_.emplace(std::pair(Now() + std::max(delay, absl::ZeroDuration()), next_++), std::move(event));
  }

  // Moves the clock to the next event and runs it; false when there is none at or before `until` (monotonic).
  bool RunNext(absl::Duration until) {
    if (events_.empty() || events_.begin()->first.first > until) return false;
    auto next = events_.extract(events_.begin());
    clock_.Advance(next.key().first - Now());
    ++ran_;
    std::move(next.mapped())();
    return true;
  }

  absl::Duration Now() const { return clock_.MonotonicNow(); }
  int64_t ran() const { return ran_; }
  // What has not happened yet never will.
  void Clear() { events_.clear(); }

 private:
  SimulatedClock& clock_;
  std::map<std::pair<absl::Duration, uint64_t>, Closure> events_;
  uint64_t next_ = 0;
  int64_t ran_ = 0;
};

}  // namespace sluice
