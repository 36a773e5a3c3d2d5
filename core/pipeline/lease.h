// Lease: a claimed job or task while this process works on it, and what a stage may do with one.
#pragma once

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/cancellation.h"
#include "core/store/batch.h"

namespace sluice {

// Why work on a lease should end early.
enum class StopReason {
  kNone,
  kBatchCancelled,  // a job's outcome is CANCELLED; a task's lease is gone already
  kSessionLost,     // the lease is the store's again: nothing to say any more
  kDraining,        // goes back to the store unless it is past the encoder
};

struct Lease {
  Claimed claim;
  SessionId session = 0;
  absl::Duration claimed_at;    // monotonic
  int64_t reserved_tokens = 0;  // of the credit, until its works are with the scheduler; loop only
  bool ended = false;           // one of LeaseSink's calls was made; loop only
  std::atomic<StopReason> stop = StopReason::kNone;
  CancellationSource cancellation;  // set together with `stop`

  LeaseKey key() const { return claim.key(); }
};
using LeasePtr = std::shared_ptr<Lease>;

// How a stage ends a lease: exactly one call each. All on the loop's thread.
class LeaseSink {
 public:
  virtual ~LeaseSink() = default;

  // The stage is done: the job's or the task's outcome, or how the job goes on.
  virtual void Finish(const LeasePtr& lease, Step step) = 0;
  // Not begun or not possible now: back to ready, the attempt given back.
  virtual void GiveBack(const LeasePtr& lease) = 0;
  // It cannot be done for a reason that is not the job's: back to ready, the attempt counts.
  virtual void GiveUp(const LeasePtr& lease) = 0;
  // Nothing more to do: a plan task that is over, or a lease that is lost.
  virtual void Drop(const LeasePtr& lease) = 0;

  // Ends a lease whose `stop` is set, by its reason.
  void Stop(const LeasePtr& lease);
  // The works of `lease` are with the scheduler, which counts them from here on; `tokens` of them.
  virtual void Submitted(const LeasePtr& lease, int64_t tokens) = 0;
};

// FAILED with the status's code, reason (its code's name without one) and message, cut at 1 KiB.
NewOutcome FailedOutcome(const absl::Status& status);

}  // namespace sluice
