// Notification: one thread says once that something happened; others wait for it.
#pragma once

#include "absl/time/clock.h"
#include "core/base/mutex.h"

namespace sluice {

// Thread-safe. Notify may be called more than once; after the first, waits return at once.
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

  // Waits at most `timeout` of real time; returns whether it was notified.
  bool WaitFor(absl::Duration timeout) const {
    const absl::Time end = absl::Now() + timeout;
    MutexLock lock(mutex_);
    while (!notified_) {
      const absl::Duration left = end - absl::Now();
      if (left <= absl::ZeroDuration()) return false;
      changed_.WaitFor(mutex_, left);
    }
    return true;
  }

 private:
  mutable Mutex mutex_;
  mutable CondVar changed_;
  bool notified_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
