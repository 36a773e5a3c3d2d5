#include "server/progress_rate.h"

namespace sluice {

void ProgressRate::Add(absl::Duration now, int64_t jobs_done) {
  samples_.push_back({now, jobs_done});
  // One sample older than the window stays: it is where the window begins.
  while (samples_.size() > 2 && samples_[1].at <= now - window_) samples_.pop_front();
}

void ProgressRate::Restart() {
  while (samples_.size() > 1) samples_.pop_front();
}

double ProgressRate::JobsPerSecond() const {
  if (samples_.size() < 2) return 0;
  const double seconds = absl::ToDoubleSeconds(samples_.back().at - samples_.front().at);
  if (seconds <= 0) return 0;
  return static_cast<double>(samples_.back().jobs_done - samples_.front().jobs_done) / seconds;
}

std::optional<absl::Duration> ProgressRate::TimeLeft(int64_t jobs_left) const {
  const double rate = JobsPerSecond();
  if (rate <= 0) return std::nullopt;
  return absl::Seconds(static_cast<double>(jobs_left) / rate);
}

}  // namespace sluice
