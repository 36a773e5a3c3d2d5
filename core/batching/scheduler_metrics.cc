#include "core/batching/scheduler_metrics.h"

#include <cstddef>
#include <optional>

namespace sluice {

void SchedulerMetricsFeed::OnQueueChanged(WorkClass work_class, int64_t token_change) {
  metrics_.queue_tokens[static_cast<int>(work_class)]->Increment(static_cast<double>(token_change));
}

void SchedulerMetricsFeed::OnBatchFormed(const MicroBatch& batch, absl::Span<const absl::Duration> waits) {
  metrics_.microbatch_jobs->Observe(static_cast<double>(batch.works.size()));
  metrics_.microbatch_tokens->Observe(static_cast<double>(batch.tokens));
  for (size_t i = 0; i < batch.works.size(); ++i) {
    const int c = static_cast<int>(batch.works[i].work_class);
    metrics_.queue_wait_seconds[c]->Observe(absl::ToDoubleSeconds(waits[i]));
  }
}

void SchedulerMetricsFeed::OnWorkDropped(WorkClass work_class, const absl::Status& reason) {
  std::optional<size_t> index;  // into kMetricDropReasons; nothing for a scheduler that closes
  if (absl::IsCancelled(reason)) index = 0;
  if (absl::IsDeadlineExceeded(reason)) index = 1;
  if (absl::IsResourceExhausted(reason)) index = 2;
  if (index.has_value()) metrics_.dropped_total[static_cast<int>(work_class)][*index]->Increment();
}

}  // namespace sluice
