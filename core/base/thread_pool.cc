#include "core/base/thread_pool.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace sluice {

absl::StatusOr<std::unique_ptr<ThreadPool>> ThreadPool::Create(Options options) {
  if (options.num_threads < 1 || options.num_threads > 1024) {
    return absl::InvalidArgumentError(absl::StrCat("num_threads=", options.num_threads, ", want 1..1024"));
  }
  if (options.max_queued_closures < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_queued_closures=", options.max_queued_closures, ", want >= 1"));
  }
  return std::unique_ptr<ThreadPool>(new ThreadPool(std::move(options)));
}

ThreadPool::ThreadPool(Options options) : options_(std::move(options)) {
  threads_.reserve(options_.num_threads);
  for (int i = 0; i < options_.num_threads; ++i) {
    threads_.emplace_back(absl::StrCat(options_.name, "-", i), [this] { Run(); }, options_.priority);
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }
  threads_.clear();
}

bool ThreadPool::TrySchedule(Closure closure) {
  MutexLock lock(mutex_);
  if (closed_ || static_cast<int>(queue_.size()) >= options_.max_queued_closures) return false;
  queue_.push_back(std::move(closure));
  changed_.NotifyOne();
  return true;
}

int ThreadPool::QueuedClosures() const {
  MutexLock lock(mutex_);
  return static_cast<int>(queue_.size());
}

void ThreadPool::Run() {
  while (true) {
    Closure next;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !closed_) changed_.Wait(mutex_);
      if (queue_.empty()) return;
      next = std::move(queue_.front());
      queue_.pop_front();
    }
    std::move(next)();
  }
}

}  // namespace sluice
