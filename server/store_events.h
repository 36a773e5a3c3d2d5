// StoreEvents: what the store tells, to everyone who waits for it.
#pragma once

#include <string>

#include "core/metrics/service_metrics.h"
#include "core/pipeline/pipeline.h"
#include "core/results/result_feed.h"
#include "core/store/store_upkeep.h"
#include "server/batch_changes.h"

namespace sluice {

// Thread-safe. All must outlive it.
class StoreEvents final : public StoreListener {
 public:
  StoreEvents(Pipeline& pipeline, ResultFeed& feed, BatchChanges& changes, ServiceMetrics& metrics)
      : pipeline_(pipeline), feed_(feed), changes_(changes), metrics_(metrics) {}

  void OnReady() override { pipeline_.OnReady(); }
  void OnOutcomes(const std::string& batch_id) override {
    feed_.OnOutcomes(batch_id);
    changes_.OnOutcomes(batch_id);
  }
  void OnBatchEnded(const std::string& batch_id) override {
    changes_.OnBatchEnded(batch_id);
    pipeline_.OnBatchEnded(batch_id);
  }
  void OnJobsEnded(JobKind kind, OutcomeKind outcome, int64_t jobs) override {
    metrics_.pipeline().kinds.at(kind).jobs_total.at(outcome)->Increment(static_cast<double>(jobs));
  }

 private:
  Pipeline& pipeline_;
  ResultFeed& feed_;
  BatchChanges& changes_;
  ServiceMetrics& metrics_;
};

}  // namespace sluice
