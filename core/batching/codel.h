// Codel: tells a queue that only evens out bursts from one that stands, and how long work in it may wait.
//
// After CoDel (Nichols and Jacobson, "Controlling Delay Active Queue Management", RFC 8289): what matters is
// not how long a queue is but whether even its least wait over an interval stays above a target. Adapted to
// requests as in Facebook's "Fail at Scale" (Maurer, ACM Queue 13(8), 2015) and folly's Codel: callers of an
// open loop do not slow down for a lost request, so that instead of dropping one head ever more often,
// everything that has waited more than twice the target goes while the queue stands. What is served has then
// waited twice the target and not until its deadline, and what is refused is told so while its caller can
// still do something.
#pragma once

#include "absl/time/time.h"

namespace sluice {

struct CodelOptions {
  absl::Duration target =
      absl::Milliseconds(200);  // a wait that is fine to stand; above a micro-batch's time, > 0
  absl::Duration interval = absl::Seconds(1);  // how long a burst may take to be worked off, >= target
};

// A value, pure; times are monotonic.
class Codel {
 public:
  explicit Codel(const CodelOptions& options) : options_(options) {}

  // Call whenever work leaves the queue, with the wait of the oldest in it; zero when there is none. Returns
  // how long a work may have waited to be served: what waited longer is to be dropped. Infinite while there
  // is no standing queue.
  absl::Duration Patience(absl::Duration oldest_wait, absl::Duration now);

  bool standing() const { return standing_; }

 private:
  CodelOptions options_;
  absl::Duration interval_end_ = -absl::InfiniteDuration();
  absl::Duration least_wait_;  // within the interval
  bool standing_ = false;
};

}  // namespace sluice
