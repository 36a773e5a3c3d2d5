// LoadTally: what became of the calls of one step of `sluice load`. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/command/latency_histogram.h"

namespace sluice {

// A value; not thread-safe. Latencies count from when a call was due, not from when it could be sent: a
// generator or a server that falls behind shows in them (no coordinated omission).
class LoadTally {
 public:
  struct Second {  // of the calls due in it
    int64_t answered = 0;
    int64_t refused = 0;
    int64_t other = 0;         // failed or not sent
    LatencyHistogram latency;  // of those answered
  };

  explicit LoadTally(int texts_per_call = 1) : texts_per_call_(texts_per_call) {}

  // The bound of calls in flight was reached when it was due, or its deadline had gone by.
  void NotSent(absl::Duration due);
  // Answered, or refused (RESOURCE_EXHAUSTED, or UNAVAILABLE with a reason), or failed.
  void Ended(absl::Duration due, absl::Duration latency, const absl::Status& status);
  // How long the step was: from its start until the last call was due or, without a rate, was answered.
  void Close(absl::Duration length) { length_ = length; }

  int64_t due() const { return not_sent_ + answered_.count() + refused_.count() + failed_.count(); }
  int64_t not_sent() const { return not_sent_; }
  absl::Duration length() const { return length_; }
  double OfferedPerSecond() const { return PerSecond(due()); }
  double GoodputPerSecond() const { return PerSecond(answered_.count()); }  // calls answered in time
  double TextsPerSecond() const { return GoodputPerSecond() * texts_per_call_; }

  const LatencyHistogram& answered() const { return answered_; }
  const LatencyHistogram& refused() const { return refused_; }
  const LatencyHistogram& failed() const { return failed_; }
  // Of what was refused or failed: the reason where there is one, else the code's name.
  const std::map<std::string, int64_t>& reasons() const { return reasons_; }
  const std::vector<Second>& seconds() const { return seconds_; }

 private:
  double PerSecond(int64_t calls) const;
  Second& SecondOf(absl::Duration due);

  int texts_per_call_;
  absl::Duration length_;
  int64_t not_sent_ = 0;
  LatencyHistogram answered_;
  LatencyHistogram refused_;
  LatencyHistogram failed_;
  std::map<std::string, int64_t> reasons_;
  std::vector<Second> seconds_;
};

// A step as it is reported.
struct LoadStep {
  std::string name;  // "capacity", "1x"
  double rate = 0;   // calls a second that were due; 0: as fast as answers came
  LoadTally tally;
};

// A line for people: goodput, latencies, refusals by reason.
std::string LoadStepText(const LoadStep& step);
// One JSON object on one line; times in milliseconds.
std::string LoadStepJson(const LoadStep& step);

}  // namespace sluice
