// Notification: one thread says once that something happened; others wait for it.
#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace sluice {

// Thread-safe. Notify may be called more than once; after the first, waits return at once. What was written
// before Notify is visible to whoever saw the notification.
//
// Lifetime: it must outlive every Notify, also one whose waiter has already gone on. Where the waiter may
// give up first (WaitFor), both sides share it through a shared_ptr.
class Notification {
 public:
  void Notify() {
    MutexLock lock(mutex_);
    notified_ = true;
    changed_.NotifyAll();
  }

  bool HasBeenNotified() const {
    MutexLock lock(mutex_);
    return notified_;
  }

  void Wait() const {
    MutexLock lock(mutex_);
    while (!notified_) changed_.Wait(mutex_);
  }

  // Waits at most `timeout` of monotonic time, so that a wall clock that is set neither prolongs nor cuts the
  // wait. Returns whether it was notified.
  bool WaitFor(absl::Duration timeout) const {
    const Clock& clock = Clock::Real();
    const absl::Duration end = clock.MonotonicNow() + timeout;
    MutexLock lock(mutex_);
    while (!notified_) {
      const absl::Duration left = std::min(end - clock.MonotonicNow(), kLongestWait);
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }

 private:
  // A condition variable adds the wait to the time since boot in nanoseconds of 64 bits: an infinite one
  // overflows.
  static constexpr absl::Duration kLongestWait = absl::Hours(24);

  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
