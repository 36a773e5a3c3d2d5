// OpenCalls: the calls that the server has taken and not answered yet, and how a drain sees the last of them
// off.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace sluice {

// gRPC ends what it finds when it is shut down with CANCELLED and no reason: calls in progress, and calls
// that come in while it shuts down. So a drain first refuses what comes (Close), waits until callers keep
// away (AwaitQuiet), ends what still runs itself (EndAll), and only then shuts gRPC down.
//
// Thread-safe. Must outlive its calls.
class OpenCalls {
  using End = std::function<void(const absl::Status&)>;

 public:
  // A call's place; destroying it says that the call was answered.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : calls_(std::exchange(other.calls_, nullptr)), number_(other.number_) {}
    Place& operator=(Place&& other) noexcept;
    ~Place() { Leave(); }

    void Leave();

   private:
    friend class OpenCalls;
    Place(OpenCalls* calls, int64_t number) : calls_(calls), number_(number) {}

    OpenCalls* calls_ = nullptr;
    int64_t number_ = 0;
  };

  explicit OpenCalls(const Clock& clock) : clock_(clock) {}

  // `end` is to answer the call with the status it is given, on the thread of EndAll. It is called at most
  // once, and may be called when the call has just been answered or has just left its place.
  Place Enter(End end);

  // A call comes: OK until Close, then DrainingError, with which it is to be answered.
  absl::Status Arrive();

  void Close();

  // Blocks until no call is open and none has come for `quiet`, at most `timeout`. Whether it is so.
  bool AwaitQuiet(absl::Duration quiet, absl::Duration timeout) const;

  // Answers the calls that are open with DrainingError; none is open then.
  void EndAll();

 private:
  const Clock& clock_;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::map<int64_t, End> calls_ ABSL_GUARDED_BY(mutex_);  // by their numbers
  int64_t entered_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Duration last_came_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
