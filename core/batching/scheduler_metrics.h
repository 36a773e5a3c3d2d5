// SchedulerMetricsFeed: shows what the scheduler does in its metrics.
#pragma once

#include "core/batching/micro_batch_scheduler.h"
#include "core/metrics/service_metrics.h"

namespace sluice {

// Thread-safe. The metrics must outlive it, and it the scheduler it observes.
class SchedulerMetricsFeed final : public SchedulerObserver {
 public:
  explicit SchedulerMetricsFeed(const SchedulerMetrics& metrics) : metrics_(metrics) {}

  void OnQueueChanged(WorkClass work_class, int64_t token_change) override;
  void OnBatchFormed(const MicroBatch& batch, absl::Span<const absl::Duration> waits) override;
  // What was dropped did not wait for a batch: it is counted, and leaves queue_tokens.
  void OnWorkDropped(WorkClass work_class, const absl::Status& reason) override;

 private:
  const SchedulerMetrics metrics_;
};

}  // namespace sluice
