#include "server/rpc/open_calls.h"

#include <algorithm>

#include "core/base/error_details.h"

namespace sluice {
namespace {

constexpr absl::Duration kLongestWait =
    absl::Hours(1);  // at a time: an infinite one overflows a condition variable

}  // namespace

OpenCalls::Place& OpenCalls::Place::operator=(Place&& other) noexcept {
  if (this == &other) return *this;
  Leave();
  calls_ = std::exchange(other.calls_, nullptr);
  number_ = other.number_;
  return *this;
}

void OpenCalls::Place::Leave() {
  if (calls_ == nullptr) return;
  OpenCalls& calls = *std::exchange(calls_, nullptr);
  std::map<int64_t, End>::node_type left;  // released after the lock: it may hold the last of the call
  MutexLock lock(calls.mutex_);
  left = calls.calls_.extract(number_);
  if (calls.calls_.empty()) calls.changed_.NotifyAll();
}

OpenCalls::Place OpenCalls::Enter(End end) {
  MutexLock lock(mutex_);
  calls_.emplace(++entered_, std::move(end));
  return Place(this, entered_);
}

absl::Status OpenCalls::Arrive() {
  MutexLock lock(mutex_);
  last_came_ = clock_.MonotonicNow();
  return closed_ ? DrainingError() : absl::OkStatus();
}

void OpenCalls::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
}

bool OpenCalls::AwaitQuiet(absl::Duration quiet, absl::Duration timeout) const {
  const absl::Duration end = clock_.MonotonicNow() + timeout;
  MutexLock lock(mutex_);
  while (true) {
    const absl::Duration now = clock_.MonotonicNow();
    const absl::Duration restless = calls_.empty() ? last_came_ + quiet - now : absl::InfiniteDuration();
    if (restless <= absl::ZeroDuration()) return true;
    if (now >= end) return false;
    changed_.WaitFor(mutex_, std::min({restless, end - now, kLongestWait}));
  }
}

void OpenCalls::EndAll() {
  std::map<int64_t, End> open;
  {
    MutexLock lock(mutex_);
    open.swap(calls_);
  }
  for (const auto& [number, end] : open) end(DrainingError());
}

}  // namespace sluice
