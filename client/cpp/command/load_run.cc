#include "client/cpp/command/load_run.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"

namespace sluice {
namespace {

// A text mix apart from the arrivals, so that another rate sends the same texts.
constexpr uint64_t kTextSeed = 0x9E3779B97F4A7C15;

// The calls of a step and what became of them. Thread-safe.
class Flight {
 public:
  Flight(const LoadShape& shape, const LoadParts& parts)
      : shape_(shape),
        parts_(parts),
        texts_(shape.lengths, shape.seed ^ kTextSeed),
        started_(parts.clock->MonotonicNow()),
        tally_(shape.texts_per_call) {}

  absl::Duration Elapsed() const { return parts_.clock->MonotonicNow() - started_; }

  // On the generator's thread.
  void Send(absl::Duration due) {
    const absl::Duration timeout = due + shape_.deadline - Elapsed();
    if (timeout <= absl::ZeroDuration() || parts_.calls->in_flight() >= shape_.max_in_flight) {
      MutexLock lock(mutex_);
      return tally_.NotSent(due);
    }
    auto done = [this, due](const absl::Status& status) {
      const absl::Duration latency = Elapsed() - due;
      MutexLock lock(mutex_);
      tally_.Ended(due, latency, status);
    };
    if (shape_.target == LoadTarget::kBatches) {
      return parts_.calls->StartBatch(NextBatch(), timeout, std::move(done));
    }
    v1::EmbedRequest request;
    request.set_truncation(v1::TRUNCATION_END);
    for (int i = 0; i < shape_.texts_per_call; ++i) request.add_texts(texts_.Next());
    parts_.calls->Start(std::move(request), timeout, std::move(done));
  }

  // Once no call is in flight.
  LoadTally Finish(absl::Duration length) {
    MutexLock lock(mutex_);
    tally_.Close(length);
    return std::move(tally_);
  }

 private:
  v1::CreateBatchRequest NextBatch() {
    v1::CreateBatchRequest request;
    v1::ScreenSpec& screen = *request.mutable_batch()->mutable_screen();
    screen.mutable_profile()->set_text("people who look for work");
    screen.mutable_gate()->set_policy(v1::Gate::RULES_ONLY);
    for (int i = 0; i < shape_.texts_per_call; ++i) {
      v1::Job& job = *request.add_jobs();
      job.set_id(absl::StrCat(i));
      job.mutable_posting()->set_title("Work");
      job.mutable_posting()->set_description(texts_.Next());
    }
    return request;
  }

  const LoadShape& shape_;
  const LoadParts& parts_;
  TextMix texts_;
  const absl::Duration started_;
  Mutex mutex_;
  LoadTally tally_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

LoadTally RunOpenLoop(const LoadShape& shape, double rate, const LoadParts& parts) {
  ArrivalTimes arrivals(shape.arrivals, rate, shape.seed);
  Flight flight(shape, parts);
  absl::Duration length = shape.duration;
  for (absl::Duration due = arrivals.Next(); due < shape.duration; due = arrivals.Next()) {
    const absl::Duration early = due - flight.Elapsed();
    if (early > absl::ZeroDuration() && !parts.wait(early)) {
      length = flight.Elapsed();
      break;
    }
    flight.Send(due);
  }
  parts.calls->WaitForFewerThan(1);
  return flight.Finish(length);
}

LoadTally RunClosedLoop(const LoadShape& shape, int in_flight, const LoadParts& parts) {
  Flight flight(shape, parts);
  while (flight.Elapsed() < shape.duration && parts.wait(absl::ZeroDuration())) {
    parts.calls->WaitForFewerThan(in_flight);
    flight.Send(flight.Elapsed());
  }
  parts.calls->WaitForFewerThan(1);
  return flight.Finish(flight.Elapsed());
}

}  // namespace sluice
