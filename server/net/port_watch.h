// PortWatch: asks again and again, on a thread of its own, whether this server can be reached.
#pragma once

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/notification.h"
#include "core/base/thread.h"

namespace sluice {

// Thread-safe.
class PortWatch {
 public:
  struct Options {
    absl::Duration interval = absl::Seconds(2);
    // Failures in a row. They are counted rather than timed, so that a process that was stopped for an hour
    // and goes on is not taken for one that cannot be reached.
    int unreachable_after = 2;
    int lost_after = 5;
  };
  // `ask` says whether the server was reached, within a bound of its own. `on_lost` is called at most once,
  // on the watch's thread.
  PortWatch(const Options& options, std::function<absl::Status()> ask, std::function<void()> on_lost);
  // Waits for the question that is under way.
  ~PortWatch();

  // No question and no call of `on_lost` begins any more; one that is under way ends. Does not block.
  void Stop() { stop_.Notify(); }

  bool reachable() const { return failures_ < options_.unreachable_after; }
  bool lost() const { return failures_ >= options_.lost_after; }

 private:
  void Run();

  const Options options_;
  const std::function<absl::Status()> ask_;
  const std::function<void()> on_lost_;
  std::atomic<int> failures_ = 0;
  Notification stop_;
  Thread thread_;
};

}  // namespace sluice
