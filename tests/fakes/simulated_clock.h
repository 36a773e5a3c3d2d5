// SimulatedClock: time that stands until a test moves it.
#pragma once

#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace sluice {

// Thread-safe.
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(absl::Time wall = absl::FromUnixSeconds(1'768'435'200)) : wall_(wall) {}

  absl::Time WallNow() const override {
    MutexLock lock(mutex_);
    return wall_;
  }
  absl::Duration MonotonicNow() const override {
    MutexLock lock(mutex_);
    return monotonic_;
  }

  void Advance(absl::Duration step) {
    MutexLock lock(mutex_);
    wall_ += step;
    monotonic_ += step;
  }

  // The wall clock alone jumps, as when a machine's time is set.
  void JumpWall(absl::Duration step) {
    MutexLock lock(mutex_);
    wall_ += step;
  }

 private:
  mutable Mutex mutex_;
  absl::Time wall_ ABSL_GUARDED_BY(mutex_);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_) = absl::Hours(1);
};

}  // namespace sluice
