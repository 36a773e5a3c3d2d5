// StoreEvents: what the store tells, to everyone who waits for it.
#pragma once

#include <string>

#include "core/pipeline/pipeline.h"
#include "core/results/result_feed.h"
#include "core/store/batch_store.h"
#include "server/batch_changes.h"

namespace sluice {

// Thread-safe. All must outlive it.
class StoreEvents final : public StoreListener {
 public:
  StoreEvents(Pipeline& pipeline, ResultFeed& feed, BatchChanges& changes)
      : pipeline_(pipeline), feed_(feed), changes_(changes) {}

  void OnReady() override { pipeline_.OnReady(); }
  void OnOutcomes(const std::string& batch_id) override {
    feed_.OnOutcomes(batch_id);
    changes_.OnOutcomes(batch_id);
  }

 private:
  Pipeline& pipeline_;
  ResultFeed& feed_;
  BatchChanges& changes_;
};

}  // namespace sluice
