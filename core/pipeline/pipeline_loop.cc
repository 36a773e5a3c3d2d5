#include "core/pipeline/pipeline_loop.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr absl::Duration kOffloadRetry = absl::Milliseconds(2);
constexpr absl::Duration kLongestWait = absl::Seconds(60);

}  // namespace

void PipelineLoop::Post(Closure closure) {
  MutexLock lock(mutex_);
  if (closed_) return;
  mailbox_.push_back(std::move(closure));
  changed_.NotifyAll();
}

void PipelineLoop::After(absl::Duration delay, Closure closure) {
  alarms_.emplace(Now() + delay, std::move(closure));
}

void PipelineLoop::Offload(Closure work) {
  // Shared, because a refused closure is destroyed by the executor.
  auto shared = std::make_shared<Closure>(std::move(work));
  const bool accepted = executor_.TrySchedule([loop = shared_from_this(), shared] {
    if (!loop->BeginOffloaded()) return;
    std::move (*shared)();
    loop->EndOffloaded();
  });
  if (accepted) return;
  Post([this, shared] {
    After(kOffloadRetry, [this, shared] { Offload([shared] { std::move (*shared)(); }); });
  });
}

bool PipelineLoop::BeginOffloaded() {
  MutexLock lock(mutex_);
  if (closed_) return false;
  ++offloaded_running_;
  return true;
}

void PipelineLoop::EndOffloaded() {
  MutexLock lock(mutex_);
  --offloaded_running_;
  changed_.NotifyAll();
}

bool PipelineLoop::AwaitWork() {
  MutexLock lock(mutex_);
  if (mailbox_.empty() && !closed_) {
    const absl::Duration due = alarms_.empty() ? kLongestWait : alarms_.begin()->first - Now();
    if (due > absl::ZeroDuration()) changed_.WaitFor(mutex_, std::min(due, kLongestWait));
  }
  return !closed_;
}

absl::Duration PipelineLoop::Turn() {
  std::deque<Closure> ready;
  {
    MutexLock lock(mutex_);
    ready.swap(mailbox_);
  }
  for (Closure& closure : ready) std::move(closure)();
  const absl::Duration now = Now();
  while (!alarms_.empty() && alarms_.begin()->first <= now) {
    Closure alarm = std::move(alarms_.begin()->second);
    alarms_.erase(alarms_.begin());
    std::move(alarm)();
  }
  return alarms_.empty() ? absl::InfiniteDuration() : alarms_.begin()->first;
}

void PipelineLoop::Run() {
  while (AwaitWork()) Turn();
  alarms_.clear();
}

void PipelineLoop::Close() {
  std::deque<Closure> dropped;
  MutexLock lock(mutex_);
  closed_ = true;
  dropped.swap(mailbox_);
  changed_.NotifyAll();
}

void PipelineLoop::AwaitOffloaded() {
  MutexLock lock(mutex_);
  while (offloaded_running_ > 0) changed_.Wait(mutex_);
}

}  // namespace sluice
