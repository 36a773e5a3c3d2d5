// Replica: one encoder on its own thread, and what it has done so far. A part of the ReplicaPool.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/inference/encode_fallback.h"
#include "core/inference/encoder.h"
#include "core/inference/replica_pool.h"
#include "core/inference/work_rate.h"
#include "core/metrics/service_metrics.h"

namespace sluice {

// Prepare, Run and DropEncoder belong to the replica's thread; Status and TokensPerSecond are safe from any.
class Replica final : private EncodeObserver {
 public:
  // `scheduler`, `clock` and `metrics` (may be null) must outlive the replica.
  Replica(ReplicaSpec spec, MicroBatchScheduler& scheduler, const Clock& clock, ServiceMetrics* metrics);

  // Makes the encoder.
  absl::Status Prepare();

  // Pulls micro-batches and answers them until the scheduler is closed. Only after Prepare succeeded.
  // `share_of_device` is what this replica adds to its device's utilisation while it encodes, in (0, 1].
  void Run(double share_of_device);

  // On the thread that made the encoder: device memory and thread teams go with it.
  void DropEncoder() { encoder_.reset(); }

  ReplicaStatus Status() const;
  double TokensPerSecond() const;
  const std::string& device() const { return device_; }  // "cpu" or "cuda:0"; once prepared
  const std::string& name() const { return spec_.name; }

 private:
  MicroBatchLimits Limits() const;
  // Of bulk work, within bulk_pass_. By the cost model where there is one, times how far the last passes were
  // off it: the rate alone, after a run of small calls whose passes are mostly their fixed cost, would let in
  // less than there is time for, and before any work knows nothing.
  int64_t BulkTokens() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Duration Predicted(PassSize size) const;
  // Between the layers of a pass: the next small call goes first, if this pass is of none.
  void GiveWay();
  void Answer(MicroBatch batch);
  std::vector<absl::Status> Encode(absl::Span<const EncodeWork> works, absl::Span<float> vectors);
  // Gives this thread, not its encoder's team, the time slice that fits the present pass; only on the CPU.
  void SetTimeSliceOfPass();

  void BeforePass(const PassSize& size) override;
  void AfterPass(const PassSize& size, const absl::Status& status) override;
  void OnFallback(const FallbackStep& step) override;

  ReplicaSpec spec_;
  MicroBatchScheduler& scheduler_;
  const Clock& clock_;
  ServiceMetrics* const metrics_;

  std::unique_ptr<Encoder> encoder_;
  std::string device_;
  std::optional<ReplicaMetrics> series_;  // of this device and precision
  double share_of_device_ = 1;
  absl::Duration bulk_pass_;  // how long one may take
  absl::Duration pass_began_;
  bool gives_way_ = false;     // the present pass
  absl::Duration time_slice_;  // of this thread; zero: the system's

  mutable Mutex mutex_;
  WorkRate rate_ ABSL_GUARDED_BY(mutex_);
  ReplicaStatus status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
