#include "server/front_door.h"

#include <utility>

#include "core/base/error_details.h"

namespace sluice {

FrontDoor::Ticket::Ticket(Ticket&& other) noexcept
    : door_(std::exchange(other.door_, nullptr)), bytes_(other.bytes_), uploads_(other.uploads_) {}

FrontDoor::Ticket& FrontDoor::Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  Release();
  door_ = std::exchange(other.door_, nullptr);
  bytes_ = other.bytes_;
  uploads_ = other.uploads_;
  return *this;
}

void FrontDoor::Ticket::Release() {
  if (door_ == nullptr) return;
  Figures& figures = *std::exchange(door_, nullptr)->figures_;
  MutexLock lock(figures.mutex);
  figures.state.bytes_in_flight -= bytes_;
  figures.state.open_uploads -= uploads_;
}

FrontDoor::FrontDoor(const AdmissionLimits& limits, BatchStore& store, ServiceMetrics& metrics)
    : limits_(limits), store_(store), metrics_(metrics) {}

absl::StatusOr<FrontDoor::Ticket> FrontDoor::AdmitJobs(int64_t jobs, int64_t bytes) {
  return Decide({.jobs = jobs, .bytes = bytes}, false);
}

absl::StatusOr<FrontDoor::Ticket> FrontDoor::AdmitUpload() {
  return Decide({.upload = true}, false);
}

absl::StatusOr<FrontDoor::Ticket> FrontDoor::AdmitCall(int64_t bytes) {
  return Decide({.bytes = bytes}, true);
}

absl::StatusOr<FrontDoor::Ticket> FrontDoor::Decide(const AdmissionRequest& request, bool bytes_only) {
  absl::Status decision;
  {
    MutexLock lock(figures_->mutex);
    AdmissionState& state = figures_->state;
    const AdmissionState only_bytes = {.bytes_in_flight = state.bytes_in_flight};
    decision = Admit(limits_, bytes_only ? only_bytes : state, request);
    if (decision.ok()) {
      state.queued_jobs += request.jobs;
      state.bytes_in_flight += request.bytes;
      state.open_uploads += request.upload ? 1 : 0;
    }
  }
  if (decision.ok()) return Ticket(this, request.bytes, request.upload ? 1 : 0);
  metrics_.CountRefusal(ReasonOf(decision));
  return decision;
}

void FrontDoor::Refresh(double jobs_per_second) {
  store_.Stats([figures = figures_, jobs_per_second](absl::StatusOr<StoreStats> stats) {
    MutexLock lock(figures->mutex);
    if (!stats.ok()) {
      figures->store_failed = figures->store_failed || ReasonOf(stats.status()) == "STORE_FAILED";
      return;
    }
    AdmissionState& state = figures->state;
    state.queued_jobs =
        stats->ready_jobs[0] + stats->ready_jobs[1] + stats->leased_jobs[0] + stats->leased_jobs[1];
    state.free_disk_bytes = stats->free_disk_bytes;
    state.jobs_per_second = jobs_per_second;
  });
}

bool FrontDoor::store_failed() const {
  MutexLock lock(figures_->mutex);
  return figures_->store_failed;
}

void FrontDoor::BeginDrain() {
  MutexLock lock(figures_->mutex);
  figures_->state.draining = true;
}

bool FrontDoor::draining() const {
  MutexLock lock(figures_->mutex);
  return figures_->state.draining;
}

}  // namespace sluice
