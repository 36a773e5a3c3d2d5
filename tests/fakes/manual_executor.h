// ManualExecutor: an Executor that runs closures when the test says so, on the test's thread.
#pragma once

#include <deque>
#include <utility>

#include "core/base/executor.h"
#include "core/base/mutex.h"

namespace sluice {

// Thread-safe to schedule on; crank it from one thread.
class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(int max_queued_closures = 4096) : max_queued_closures_(max_queued_closures) {}

  bool TrySchedule(Closure closure) override {
    MutexLock lock(mutex_);
    if (static_cast<int>(queue_.size()) >= max_queued_closures_) return false;
    queue_.push_back(std::move(closure));
    return true;
  }

  int size() const {
    MutexLock lock(mutex_);
    return static_cast<int>(queue_.size());
  }

  // Runs the oldest closure. Returns false when there is none.
  bool RunOne() {
    Closure next;
    {
      MutexLock lock(mutex_);
      if (queue_.empty()) return false;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    std::move(next)();
    return true;
  }

  // Runs until nothing is left, including what the closures schedule. Returns how many ran.
  int RunAll() {
    int ran = 0;
    while (RunOne()) ++ran;
    return ran;
  }

 private:
  const int max_queued_closures_;
  mutable Mutex mutex_;
  std::deque<Closure> queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
