// Pipeline: takes leased work from the store through its stages to recorded outcomes.
//
//   claim → (plan task: phase one, gate, plan) | (job: tokenize → micro-batch → encode → phase two) → outcome
//   committed
//
// It pulls: a claim asks the scheduler for credit first, so leased work in memory stays within two
// micro-batches a replica and a backlog stays on disk.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/pipeline/pipeline_options.h"

namespace sluice {

// Thread-safe. Owns one thread ("pipeline") that claims, renews the session and sweeps.
class Pipeline {
 public:
  // Opens a session and starts.
  static absl::StatusOr<std::unique_ptr<Pipeline>> Create(PipelineOptions options, PipelineParts parts);
  // Ends at once: what was not committed is left to the next session.
  virtual ~Pipeline() = default;

  // Forwarded from StoreListener; never blocks.
  virtual void OnReady() = 0;

  // Forwarded from StoreListener: the batch is terminal, and work on it that does not end by itself is
  // stopped. Never blocks.
  virtual void OnBatchEnded(const std::string& batch_id) = 0;

  // Stops claiming, gives unstarted leases back, waits at most `timeout` for what runs to be committed,
  // closes the session. Blocks. Returns false when the time ran out. Once.
  virtual bool Drain(absl::Duration timeout) = 0;
  // Nothing will be committed any more: Drain, whether it runs or comes, returns false at once. Thread-safe.
  virtual void CutDrain() = 0;

  // Jobs a second that are recorded where there is enough to do (ServiceRate); 0 while unknown.
  virtual double JobsPerSecond() const = 0;
};

}  // namespace sluice
