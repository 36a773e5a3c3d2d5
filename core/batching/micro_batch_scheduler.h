// MicroBatchScheduler: the one door to the encoder. Work goes in tokenized, micro-batches are pulled out.
//
// USE: every path that needs a vector submits EncodeWork (interactive calls and leased jobs alike); each
// replica's thread calls NextBatch in a loop. A batch forms when a replica is free to run it, so nothing
// lingers while a device is idle and batches fill while it is busy. NOT for work that is not tokenized yet,
// nor for anything durable: what waits here is lost with the process, and the store's leases bring it back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/base/cancellation.h"
#include "core/base/clock.h"
#include "core/batching/codel.h"

namespace sluice {

enum class WorkClass { kInteractive = 0, kBulk = 1 };
inline constexpr int kNumWorkClasses = 2;
const char* WorkClassName(WorkClass work_class);  // "interactive", "bulk"

// One text to encode. `done` is called exactly once, on the thread that runs the micro-batch (or, for work
// dropped when a batch is formed, on the thread that formed it), with a vector or
//   CANCELLED           the token was cancelled before its batch was formed
//   DEADLINE_EXCEEDED   the deadline had passed when its batch was formed
//   RESOURCE_EXHAUSTED  interactive work waited too long in a queue that stands (core/batching/codel.h):
//                       reason QUEUE_OVERLOADED, with a retry delay
//   UNAVAILABLE         the scheduler was closed
//   anything Encoder::Encode returns. It must not block.
struct EncodeWork {
  std::vector<int32_t> tokens;
  WorkClass work_class = WorkClass::kBulk;
  absl::Duration deadline = absl::InfiniteDuration();  // monotonic, as Clock::MonotonicNow
  CancellationToken cancellation;
  // Of interactive work: its call is large. It gives way to work that is not patient, until it is `max_age`
  // old; it is not dropped for having waited, only when late, and its wait says nothing about the queue.
  bool patient = false;
  // Of patient work: when its call came, monotonic, which makes it old beside small calls; infinite: when it
  // was submitted.
  absl::Duration call_came = absl::InfiniteDuration();
  absl::AnyInvocable<void(absl::StatusOr<std::vector<float>>) &&> done;
};

struct MicroBatchLimits {
  int64_t max_tokens = 4096;  // >= 1; a single longer text still goes, alone
  int max_jobs = 6;           // >= 1
  // Of bulk or patient work while small calls come (SchedulerOptions::interactive_memory): it bounds how long
  // a call that comes meanwhile waits for the device. >= 1; a single longer text still goes.
  int64_t max_bulk_tokens = INT64_MAX;
  // How many replicas pull from these queues, >= 1. What waits is shared out among them where it is too
  // little to fill a batch for each.
  int sharers = 1;
  // Nothing but interactive work that is not patient, and only while the weights give it its turn: for a pass
  // that lets such work in.
  bool only_prompt = false;
};

struct MicroBatch {
  std::vector<EncodeWork> works;
  int64_t tokens = 0;
};

struct SchedulerOptions {
  int64_t max_queued_tokens[kNumWorkClasses] = {1 << 20, 1 << 20};  // bound of each class, >= 1
  int max_queued_works[kNumWorkClasses] = {8192, 8192};             // bound of each class, >= 1
  double weight[kNumWorkClasses] = {4.0, 1.0};  // share of the tokens while both classes wait, > 0
  // Within this many of a class's oldest works, ones of a length close to the head's are preferred; 1 is
  // plain FIFO.
  int look_ahead_works = 256;
  // Work that has waited this long goes before any younger work of either class, so that neither length
  // grouping nor weights starve anything. While both classes have such work the weights decide; > 0.
  absl::Duration max_age = absl::Seconds(2);
  // For so long after interactive work that is not patient came, micro-batches hold one kind only, and those
  // of bulk or patient work at most MicroBatchLimits::max_bulk_tokens; >= 0, 0 never.
  absl::Duration interactive_memory = absl::Seconds(2);
  CodelOptions codel;  // of interactive work that is not patient
};

// The instantaneous state, for metrics and admission.
struct SchedulerSnapshot {
  int64_t queued_tokens[kNumWorkClasses] = {0, 0};
  int queued_works[kNumWorkClasses] = {0, 0};
  absl::Duration oldest_wait[kNumWorkClasses] = {absl::ZeroDuration(), absl::ZeroDuration()};
  int64_t patient_tokens = 0;  // of the interactive ones; the others go before them
  absl::Duration oldest_prompt_wait = absl::ZeroDuration();  // of interactive work that is not patient
  bool overloaded = false;  // prompt work stands: what of it waits twice the target is dropped
};

// Called for the metrics, outside the scheduler's lock. Thread-safe; must not block or call the scheduler.
class SchedulerObserver {
 public:
  virtual ~SchedulerObserver() = default;
  // Tokens came into the class's queue (positive) or left it. The changes add up to what is queued.
  virtual void OnQueueChanged(WorkClass /*work_class*/, int64_t /*token_change*/) {}
  // `waits` goes with `batch.works`.
  virtual void OnBatchFormed(const MicroBatch& batch, absl::Span<const absl::Duration> waits) = 0;
  virtual void OnWorkDropped(WorkClass work_class, const absl::Status& reason) = 0;
};

// Thread-safe. The decision itself is the pure function of core/batching/batch_policy.h; this class holds the
// queues.
class MicroBatchScheduler {
 public:
  // INVALID_ARGUMENT names the option out of range. `clock` and `observer` (may be null) must outlive the
  // scheduler.
  static absl::StatusOr<std::unique_ptr<MicroBatchScheduler>> Create(SchedulerOptions options,
                                                                     const Clock& clock,
                                                                     SchedulerObserver* observer);
  virtual ~MicroBatchScheduler() = default;

  // Never blocks. On failure `work.done` was not and will not be called:
  //   RESOURCE_EXHAUSTED (reason QUEUE_FULL)  the class's bound is reached; with a retry delay, unless the
  //                                           work alone is over the bound
  //   UNAVAILABLE                             closed
  //   INVALID_ARGUMENT                        no tokens
  virtual absl::Status Submit(EncodeWork work) = 0;

  // All of `works` or none, by the same rules.
  virtual absl::Status SubmitAll(std::vector<EncodeWork> works) = 0;

  // Blocks until there is a batch to run, or returns nullopt once the scheduler is closed.
  virtual std::optional<MicroBatch> NextBatch(const MicroBatchLimits& limits) = 0;

  // The same without blocking; nullopt when nothing waits that `limits` lets go.
  virtual std::optional<MicroBatch> TryNextBatch(const MicroBatchLimits& limits) = 0;

  // Credit: how many more bulk tokens a claimer may bring, so that leased work waiting here stays within
  // `target` tokens (two micro-batches a replica). Zero or less: do not claim.
  virtual int64_t BulkCreditTokens(int64_t target_tokens) const = 0;

  virtual SchedulerSnapshot Snapshot() const = 0;

  // Fails what waits with UNAVAILABLE, refuses more and wakes every NextBatch. Idempotent.
  virtual void Close() = 0;
};

}  // namespace sluice
