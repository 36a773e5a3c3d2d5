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

void PipelineLoop::Offload(const std::string& batch_id, SharedWork work) {
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    offloaded_.Add(batch_id, std::move(work));
  }
  AskForWorker();
}

void PipelineLoop::AskForWorker() {
  {
    MutexLock lock(mutex_);
    if (closed_ || asked_ >= offloaded_.size() || asked_ + offloaded_running_ >= workers_) return;
    ++asked_;
  }
  if (executor_.TrySchedule([loop = shared_from_this()] { loop->RunOffloaded(); })) return;
  {
    MutexLock lock(mutex_);
    --asked_;
  }
  Post([this] { After(kOffloadRetry, [this] { AskForWorker(); }); });
}

void PipelineLoop::RunOffloaded() {
  FairQueue::Turn turn;
  {
    MutexLock lock(mutex_);
    --asked_;
    if (closed_ || offloaded_.empty()) return;
    ++offloaded_running_;
    turn = offloaded_.Take();
  }
  const int64_t steps = std::move(turn.work)();
  turn.work = nullptr;
  {
    MutexLock lock(mutex_);
    offloaded_.Charge(turn.batch_id, steps);
    --offloaded_running_;
    changed_.NotifyAll();
  }
  AskForWorker();
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
  FairQueue dropped_work;
  MutexLock lock(mutex_);
  closed_ = true;
  dropped.swap(mailbox_);
  std::swap(dropped_work, offloaded_);
  changed_.NotifyAll();
}

void PipelineLoop::AwaitOffloaded() {
  MutexLock lock(mutex_);
  while (offloaded_running_ > 0) changed_.Wait(mutex_);
}

}  // namespace sluice
