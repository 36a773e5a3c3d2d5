// StoreUpkeep: what keeps a store in order and tells how it does.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "core/store/batch.h"
#include "core/store/done.h"

namespace sluice {

// Told after a commit, on the store's own thread. Must not block and must not call the store.
class StoreListener {
 public:
  virtual ~StoreListener() = default;
  virtual void OnReady() = 0;                                // there may be something to claim
  virtual void OnOutcomes(const std::string& batch_id) = 0;  // new outcomes, a plan or another state
  // After OnOutcomes: it is terminal. Perhaps more than once.
  virtual void OnBatchEnded(const std::string& /*batch_id*/) {}
  // The store itself gave `jobs` jobs this outcome: cancelled, expired or given up.
  virtual void OnJobsEnded(JobKind /*kind*/, OutcomeKind /*outcome*/, int64_t /*jobs*/) {}
};

// Thread-safe; calls answer as batch_store.h says.
class StoreUpkeep {
 public:
  virtual ~StoreUpkeep() = default;

  // `listener` must outlive the store or be taken back with null. At most one.
  virtual void SetListener(StoreListener* listener) = 0;
  // Ends dead sessions and overlong attempts, expires batches past expire_time, purges terminal batches older
  // than `retention` and uploads older than `upload_age`; a bounded step each call. Call every second or two.
  virtual void Sweep(absl::Duration retention, absl::Duration upload_age, Done<SweepReply> done) = 0;
  virtual void Stats(Done<StoreStats> done) = 0;
};

}  // namespace sluice
