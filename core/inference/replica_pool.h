// ReplicaPool: one named thread a replica, each pulling micro-batches from the scheduler into its own
// encoder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/batching/cost_model.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/inference/encoder.h"
#include "core/metrics/service_metrics.h"

namespace sluice {

// Makes a replica's encoder on the replica's own thread, so that thread-local settings of the library hold
// there.
using EncoderFactory = absl::AnyInvocable<absl::StatusOr<std::unique_ptr<Encoder>>() &&>;

struct ReplicaSpec {
  std::string name;  // "cpu-0"
  EncoderFactory make_encoder;
  MicroBatchLimits limits;  // `sharers` is the pool's
  // Of its passes, padding included; all 0 for none known.
  CostModel cost = {};
};

struct ReplicaStatus {
  std::string name;
  EncoderDescription encoder;
  MicroBatchLimits limits;
  int64_t encoded_jobs = 0;
  int64_t encoded_tokens = 0;
  double slowness = 1;  // how many times as long as its cost model says its last passes took
};

// The work of these replicas took more than twice as long as their cost models say, or less than half, and
// there was enough of it to tell. Pure.
bool CostIsOff(const std::vector<ReplicaStatus>& replicas);

// A failed micro-batch falls back: half batches down to single works (a poison work fails alone with its
// reason, its neighbours succeed); RESOURCE_EXHAUSTED and INTERNAL alike. Fallbacks are counted. Thread-safe.
class ReplicaPool {
 public:
  struct Options {
    std::vector<ReplicaSpec> replicas;  // 1..kMaxReplicas of core/hardware/tier.h
  };

  // Starts the threads and waits until every encoder is made; the first failure is returned and nothing is
  // left running. `scheduler`, `clock` and `metrics` (may be null) must outlive the pool.
  static absl::StatusOr<std::unique_ptr<ReplicaPool>> Create(Options options, MicroBatchScheduler& scheduler,
                                                             const Clock& clock, ServiceMetrics* metrics);
  // Joins; close the scheduler first.
  virtual ~ReplicaPool() = default;

  virtual std::vector<ReplicaStatus> Replicas() const = 0;

  // Two micro-batches a replica: the target for claimers' credit.
  virtual int64_t CreditTargetTokens() const = 0;

  // Tokens a second over the last ten seconds of work, all replicas; 0 before the first batch.
  virtual double TokensPerSecond() const = 0;
};

}  // namespace sluice
