#include "core/pipeline/job_meters.h"

#include <algorithm>

namespace sluice {
namespace {

int64_t SecondOf(absl::Duration now) {
  return absl::ToInt64Seconds(now);
}

}  // namespace

absl::Duration CountedRate::Counted(absl::Duration now) const {
  return counting_ ? counted_ + (now - since_) : counted_;
}

void CountedRate::SetCounting(absl::Duration now, bool counting) {
  counted_ = Counted(now);
  since_ = now;
  counting_ = counting;
}

void CountedRate::Add(absl::Duration now, int64_t events) {
  const int64_t second = SecondOf(Counted(now));
  Slot& slot = slots_[second % kSlots];
  if (slot.second != second) slot = {second, 0};
  slot.events += events;
}

double CountedRate::PerSecond(absl::Duration now) const {
  const absl::Duration counted = Counted(now);
  if (counted < absl::Seconds(1)) return 0;
  const int64_t oldest = std::max<int64_t>(0, SecondOf(counted) - kSlots + 1);
  int64_t events = 0;
  for (const Slot& slot : slots_) events += slot.second >= oldest ? slot.events : 0;
  return static_cast<double>(events) / absl::ToDoubleSeconds(counted - absl::Seconds(oldest));
}

void ServiceRate::SetWork(absl::Duration now, Work work) {
  if (work == work_) return;
  work_ = work;
  some_.SetCounting(now, work != Work::kNone);
  full_.SetCounting(now, work == Work::kMoreThanFits);
}

void ServiceRate::Add(absl::Duration now, int64_t outcomes) {
  some_.Add(now, outcomes);
  if (work_ == Work::kMoreThanFits) full_.Add(now, outcomes);
}

double ServiceRate::PerSecond(absl::Duration now) const {
  const double rate = std::max(some_.PerSecond(now), full_.PerSecond(now));
  if (rate > 0) last_ = rate;
  return last_;
}

void JobMeters::CountRecorded(JobKind kind, OutcomeKind outcome, absl::Duration now, int64_t outcomes) {
  if (outcomes == 0) return;
  if (metrics_) metrics_->kinds.at(kind).jobs_total.at(outcome)->Increment(static_cast<double>(outcomes));
  if (!IsInRate(kind)) return;
  MutexLock lock(mutex_);
  rate_.Add(now, outcomes);
}

void JobMeters::CountFenced(int64_t results) {
  if (metrics_) metrics_->fenced_results_total->Increment(static_cast<double>(results));
}

void JobMeters::CountGate(const GatePlan& plan) {
  if (!metrics_) return;
  metrics_->gate_jobs_total[0]->Increment(static_cast<double>(plan.vetoed));
  metrics_->gate_jobs_total[1]->Increment(static_cast<double>(plan.gated));
  metrics_->gate_jobs_total[2]->Increment(static_cast<double>(plan.survivors));
}

void JobMeters::CountPages(PageOutcome outcome, int64_t pages) {
  if (!metrics_) return;
  metrics_->document_pages_total[static_cast<size_t>(outcome)]->Increment(static_cast<double>(pages));
}

void JobMeters::ObserveJob(JobKind kind, absl::Duration claim_to_record) {
  if (metrics_) metrics_->kinds.at(kind).job_seconds->Observe(absl::ToDoubleSeconds(claim_to_record));
}

void JobMeters::ObserveStage(Stage stage, absl::Duration time) {
  if (metrics_) metrics_->stage_seconds.at(stage)->Observe(absl::ToDoubleSeconds(time));
}

void JobMeters::SetQueue(const StoreStats& stats, bool has_model, absl::Duration now) {
  if (!metrics_) return;
  for (const auto& [kind, metrics] : metrics_->kinds) {
    const auto found = stats.kinds.find(kind);
    metrics.queue_jobs->Set(found == stats.kinds.end() ? 0 : static_cast<double>(found->second.ready_jobs));
  }
  const int64_t waiting = stats.queued_jobs() - stats.unrated_jobs() - (has_model ? 0 : stats.planned_jobs());
  const double rate = JobsPerSecond(now);
  metrics_->backlog_seconds->Set(rate > 0 ? static_cast<double>(waiting) / rate : 0);
}

void JobMeters::SetSaturation(double ratio) {
  if (metrics_) metrics_->saturation_ratio->Set(std::clamp(ratio, 0.0, 1.0));
}

void JobMeters::SetWork(ServiceRate::Work work, absl::Duration now) {
  MutexLock lock(mutex_);
  rate_.SetWork(now, work);
}

void JobMeters::SetPhaseOneWorkers(int workers) {
  if (metrics_) metrics_->phase_one_workers->Set(workers);
}

double JobMeters::JobsPerSecond(absl::Duration now) const {
  MutexLock lock(mutex_);
  return rate_.PerSecond(now);
}

}  // namespace sluice
