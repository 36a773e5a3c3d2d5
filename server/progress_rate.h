// ProgressRate: how fast a batch goes, from how far it was when. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "absl/time/time.h"

namespace sluice {

// Not thread-safe.
class ProgressRate {
 public:
  explicit ProgressRate(absl::Duration window = absl::Seconds(5)) : window_(window) {}

  // `now` is monotonic and must not go back.
  void Add(absl::Duration now, int64_t jobs_done);

  // What was done so far says nothing about what is left: the plan's rejections come at another rate than the
  // encoder's verdicts. Forgets all samples but the last.
  void Restart();

  // Over the samples of the last window; 0 while there are less than two or nothing was done between them.
  double JobsPerSecond() const;

  // Nothing while the rate is not known.
  std::optional<absl::Duration> TimeLeft(int64_t jobs_left) const;

 private:
  struct Sample {
    absl::Duration at;
    int64_t jobs_done = 0;
  };
  absl::Duration window_;
  std::deque<Sample> samples_;
};

}  // namespace sluice
