// WorkBudget: how much phase one may do for one posting, counted in steps and not in time, so that the same
// posting ends the same way on every machine.
//
// A step is about what a pattern's program does with one instruction at one byte: 1 to 6 ns on a core of
// 2.5 GHz. Rules charge before they work, so that what is over the budget is not begun.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "core/base/cancellation.h"

namespace sluice {

// A third of a second on that core; an everyday profile spends a hundredth of it on a posting of a few KB.
inline constexpr int64_t kMostPostingSteps = int64_t{64} << 20;

// For one posting and one thread. `cancellation` is looked at about every millisecond of work.
class WorkBudget {
 public:
  explicit WorkBudget(CancellationToken cancellation = {}, int64_t steps = kMostPostingSteps)
      : cancellation_(std::move(cancellation)), steps_(steps), left_(steps), look_at_(steps) {}

  // Takes `steps`, at least 0. False, and for good, once more was asked for than there is, or the work is no
  // longer wanted: whoever asked stops.
  bool Spend(int64_t steps) {
    left_ -= steps;
    return left_ >= look_at_ || Look();
  }

  bool exhausted() const { return left_ < 0; }
  bool cancelled() const { return cancelled_; }
  int64_t spent() const { return std::min(steps_, steps_ - left_); }
  int64_t steps() const { return steps_; }

 private:
  static constexpr int64_t kStepsBetweenLooks = 1 << 18;

  bool Look() {
    cancelled_ = cancelled_ || cancellation_.cancelled();
    const bool stops = cancelled_ || left_ < 0;
    look_at_ = stops ? std::numeric_limits<int64_t>::max() : std::max<int64_t>(0, left_ - kStepsBetweenLooks);
    if (stops) left_ = std::min(left_, look_at_ - 1);
    return !stops;
  }

  const CancellationToken cancellation_;
  const int64_t steps_;
  int64_t left_;
  int64_t look_at_;  // the next look at the cancellation is due when fewer are left
  bool cancelled_ = false;
};

}  // namespace sluice
