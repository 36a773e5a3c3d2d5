// ThreadPool: a fixed number of named threads over one bounded queue.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/base/thread.h"

namespace sluice {

// Thread-safe. The destructor refuses new work, runs what was accepted and joins.
class ThreadPool final : public Executor {
 public:
  struct Options {
    std::string name = "pool";
    int num_threads = 1;             // 1..1024
    int max_queued_closures = 4096;  // >= 1
    ThreadPriority priority = ThreadPriority::kNormal;
  };

  // INVALID_ARGUMENT names the option out of range.
  static absl::StatusOr<std::unique_ptr<ThreadPool>> Create(Options options);
  ~ThreadPool() override;

  bool TrySchedule(Closure closure) override;

  int num_threads() const { return options_.num_threads; }
  int QueuedClosures() const;

 private:
  explicit ThreadPool(Options options);
  void Run();

  const Options options_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Closure> queue_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Thread> threads_;
};

}  // namespace sluice
