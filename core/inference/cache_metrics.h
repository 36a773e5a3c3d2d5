// CacheMetricsFeed: shows what the embedding cache does in its metrics.
#pragma once

#include "core/metrics/service_metrics.h"
#include "core/store/cache.h"

namespace sluice {

// Thread-safe. The metrics must outlive it, and it the cache it observes.
class CacheMetricsFeed final : public EmbeddingCacheObserver {
 public:
  explicit CacheMetricsFeed(const EmbeddingCacheMetrics& metrics) : metrics_(metrics) {}

  void OnSize(int64_t bytes) override { metrics_.bytes->Set(static_cast<double>(bytes)); }
  void OnEvicted(int64_t vectors) override {
    metrics_.evicted_total->Increment(static_cast<double>(vectors));
  }
  void OnDropped(int64_t vectors) override {
    metrics_.dropped_total->Increment(static_cast<double>(vectors));
  }

 private:
  const EmbeddingCacheMetrics metrics_;
};

}  // namespace sluice
