// JobMeters: the pipeline's metrics, and the rate at which outcomes are recorded.
#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "core/metrics/service_metrics.h"
#include "core/screening/gate.h"
#include "core/store/batch_store.h"

namespace sluice {

// Events a second over the last ten seconds, in slots of one. A value.
class RateWindow {
 public:
  void Add(absl::Duration now, int64_t events);
  double PerSecond(absl::Duration now) const;

 private:
  static constexpr int kSlots = 10;
  struct Slot {
    int64_t second = -1;
    int64_t events = 0;
  };
  std::array<Slot, kSlots> slots_;
};

// Thread-safe. `metrics` may be null and must outlive this.
class JobMeters {
 public:
  explicit JobMeters(ServiceMetrics* metrics) : metrics_(metrics ? &metrics->pipeline() : nullptr) {}

  // `outcomes` of one kind were recorded.
  void CountRecorded(JobKind kind, OutcomeKind outcome, absl::Duration now, int64_t outcomes = 1);
  void CountFenced(int64_t results);
  void CountGate(const GatePlan& plan);
  void ObserveJob(JobKind kind, absl::Duration claim_to_record);
  void ObserveStage(Stage stage, absl::Duration time);
  // Without a model, what only a model can go on with is no backlog: it would never shrink.
  void SetQueue(const StoreStats& stats, bool has_model, absl::Duration now);
  void SetSaturation(double ratio);
  void SetPhaseOneWorkers(int workers);

  double JobsPerSecond(absl::Duration now) const;

 private:
  const PipelineMetrics* const metrics_;
  mutable Mutex mutex_;
  RateWindow rate_ ABSL_GUARDED_BY(mutex_);
  double last_rate_ ABSL_GUARDED_BY(mutex_) = 0;  // the last one that was not zero
};

}  // namespace sluice
