// Clock: where time comes from, so that tests and simulations can own it.
#pragma once

#include "absl/time/time.h"

namespace sluice {

// Thread-safe. The two times are unrelated: wall time is for records that people and other processes read,
// and may jump; monotonic time is for intervals (leases, deadlines, rates), and never goes back.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time WallNow() const = 0;

  // Time since an arbitrary fixed point of this process.
  virtual absl::Duration MonotonicNow() const = 0;

  // The machine's clock; lives as long as the process.
  static Clock& Real();
};

}  // namespace sluice
