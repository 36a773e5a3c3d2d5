// JobMeters: the pipeline's metrics, and the rate at which outcomes are recorded.
#pragma once

#include <array>
#include <cstdint>

#include "absl/time/time.h"
#include "core/base/mutex.h"
#include "core/metrics/service_metrics.h"
#include "core/screening/gate.h"
#include "core/store/batch.h"

namespace sluice {

// Events a second of the time that is counted, over the last five seconds of it. Time counts while
// SetCounting says so: that nothing came for a minute says nothing about how fast work goes. A value.
class CountedRate {
 public:
  void SetCounting(absl::Duration now, bool counting);
  void Add(absl::Duration now, int64_t events);
  // 0 until a second has been counted, or where the last five had no event.
  double PerSecond(absl::Duration now) const;

 private:
  static constexpr int kSlots = 5;
  struct Slot {
    int64_t second = -1;  // of the counted time
    int64_t events = 0;
  };
  absl::Duration Counted(absl::Duration now) const;

  std::array<Slot, kSlots> slots_;
  absl::Duration counted_;  // up to since_
  absl::Duration since_;
  bool counting_ = false;
};

// How fast outcomes are recorded where there is enough to do. While work is left lying because there is no
// room for it, that is seen; while there is room, what is seen is how fast work comes, or how long one job
// takes by itself: the lower bound that counts until something better is known. A value.
class ServiceRate {
 public:
  enum class Work { kNone, kSome, kMoreThanFits };

  void SetWork(absl::Duration now, Work work);
  void Add(absl::Duration now, int64_t outcomes);
  // Jobs a second; 0 while unknown. Where nothing was recorded for so long that it would be 0, the last one
  // known.
  double PerSecond(absl::Duration now) const;

 private:
  CountedRate some_;
  CountedRate full_;
  Work work_ = Work::kNone;
  mutable double last_ = 0;
};

enum class PageOutcome { kOk, kDegraded, kBlank, kFailed, kReused };  // in the order of kMetricPageOutcomes

// Thread-safe. `metrics` may be null and must outlive this.
class JobMeters {
 public:
  explicit JobMeters(ServiceMetrics* metrics) : metrics_(metrics ? &metrics->pipeline() : nullptr) {}

  // `outcomes` of one kind were recorded.
  void CountRecorded(JobKind kind, OutcomeKind outcome, absl::Duration now, int64_t outcomes = 1);
  void CountFenced(int64_t results);
  void CountGate(const GatePlan& plan);
  void CountPages(PageOutcome outcome, int64_t pages = 1);
  void ObserveJob(JobKind kind, absl::Duration claim_to_record);
  void ObserveStage(Stage stage, absl::Duration time);
  // Without a model, what only a model can go on with is no backlog: it would never shrink.
  void SetQueue(const StoreStats& stats, bool has_model, absl::Duration now);
  void SetSaturation(double ratio);
  void SetWork(ServiceRate::Work work, absl::Duration now);
  void SetPhaseOneWorkers(int workers);

  // Of the ServiceRate.
  double JobsPerSecond(absl::Duration now) const;

 private:
  const PipelineMetrics* const metrics_;
  mutable Mutex mutex_;
  ServiceRate rate_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
