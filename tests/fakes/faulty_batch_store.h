// FaultyBatchStore: a BatchStore with a fault at chosen calls, for sweeps over n = 1, 2, 3, …
#pragma once

#include <string>
#include <utility>

#include "core/base/error_details.h"
#include "core/base/mutex.h"
#include "tests/fakes/intercepted_batch_store.h"

namespace sluice {

enum class StoreFault {
  kRefuse,      // the call fails with UNAVAILABLE and does nothing
  kLoseAnswer,  // the call does its work, but is answered UNAVAILABLE
  kBusy,        // the call fails with RESOURCE_EXHAUSTED (STORE_BUSY) and does nothing
  kBreak,       // the call fails with INTERNAL and does nothing
};

// Thread-safe. `store` must outlive it. Calls are counted from Arm on; the set-up of a test is not.
class FaultyBatchStore final : public InterceptedBatchStore<FaultyBatchStore> {
 public:
  explicit FaultyBatchStore(BatchStore& store) : InterceptedBatchStore(store) {}

  // The n-th call from now on (1 for the next one) has `fault`, and the `calls` - 1 after it; only calls of
  // `method` count unless it is "".
  void Arm(StoreFault fault, int nth_call, std::string method = "", int calls = 1) {
    MutexLock lock(mutex_);
    method_ = std::move(method);
    fault_ = fault;
    calls_left_ = nth_call;
    faults_left_ = calls;
    fired_ = "";
  }
  // No fault from now on.
  void Disarm() {
    MutexLock lock(mutex_);
    faults_left_ = 0;
  }
  int Calls(const std::string& method) const {
    MutexLock lock(mutex_);
    const auto found = calls_.find(method);
    return found == calls_.end() ? 0 : found->second;
  }
  // Which method the fault hit, "" before.
  std::string fired() const {
    MutexLock lock(mutex_);
    return fired_;
  }

 private:
  friend class InterceptedBatchStore<FaultyBatchStore>;

  template <typename Answer, typename Issue>
  void Intercept(const char* method, absl::AnyInvocable<void(Answer) &&> done, Issue issue) {
    bool fires;
    StoreFault fault;
    {
      MutexLock lock(mutex_);
      ++calls_[method];
      const bool counts = method_.empty() || method_ == method;
      fires = counts && faults_left_ > 0 && --calls_left_ <= 0;
      fault = fault_;
      if (fires) --faults_left_;
      if (fires) fired_ = method;
    }
    if (!fires) return issue(std::move(done));
    if (fault == StoreFault::kRefuse) return std::move(done)(absl::UnavailableError("injected: refused"));
    if (fault == StoreFault::kBreak) return std::move(done)(absl::InternalError("injected: broken"));
    if (fault == StoreFault::kBusy) {
      return std::move(done)(WithReason(absl::ResourceExhaustedError("injected: busy"), "STORE_BUSY"));
    }
    issue([done = std::move(done)](auto) mutable {
      std::move(done)(absl::UnavailableError("injected: answer lost"));
    });
  }

  mutable Mutex mutex_;
  StoreFault fault_ ABSL_GUARDED_BY(mutex_) = StoreFault::kRefuse;
  std::string method_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int> calls_ ABSL_GUARDED_BY(mutex_);  // by method
  int calls_left_ ABSL_GUARDED_BY(mutex_) = 0;
  int faults_left_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string fired_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
