#include "server/front_door.h"

#include <utility>

#include "core/base/error_details.h"

namespace sluice {

FrontDoor::Ticket::Ticket(Ticket&& other) noexcept
    : door_(std::exchange(other.door_, nullptr)), hold_(other.hold_) {}

FrontDoor::Ticket& FrontDoor::Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  Release();
  door_ = std::exchange(other.door_, nullptr);
  hold_ = other.hold_;
  return *this;
}

void FrontDoor::Ticket::Release() {
  if (door_ == nullptr) return;
  Figures& figures = *std::exchange(door_, nullptr)->figures_;
  MutexLock lock(figures.mutex);
  figures.state.bytes_in_flight -= hold_.bytes;
  figures.state.open_uploads -= hold_.uploads;
  figures.state.calls -= hold_.calls;
  figures.state.streams -= hold_.streams;
}

FrontDoor::FrontDoor(const AdmissionLimits& limits, StoreUpkeep& store, bool has_model,
                     std::function<void()> on_store_failed)
    : limits_(limits), store_(store), has_model_(has_model), on_store_failed_(std::move(on_store_failed)) {}

absl::StatusOr<FrontDoor::Ticket> FrontDoor::AdmitJobs(const std::string& tenant,
                                                       const AdmissionRequest& request) {
  MutexLock lock(figures_->mutex);
  AdmissionState state = figures_->state;
  if (const auto found = figures_->tenant_jobs.find(tenant); found != figures_->tenant_jobs.end())
    state.tenant_queued_jobs = found->second;
  if (absl::Status decision = Admit(limits_, state, request); !decision.ok()) return decision;
  figures_->state.queued_jobs += request.jobs;
  if (request.jobs > 0) figures_->tenant_jobs[tenant] += request.jobs;
  figures_->state.bytes_in_flight += request.bytes;
  figures_->state.memory_bytes += request.bytes;  // until it is measured again
  figures_->state.open_uploads += request.upload ? 1 : 0;
  return Ticket(this, {.bytes = request.bytes, .uploads = request.upload ? 1 : 0});
}

absl::StatusOr<FrontDoor::Ticket> FrontDoor::AdmitUpload(const std::string& tenant) {
  return AdmitJobs(tenant, {.upload = true});
}

absl::StatusOr<FrontDoor::Ticket> FrontDoor::AdmitCall(const CallLoad& load, const CallRequest& request) {
  MutexLock lock(figures_->mutex);
  absl::Status decision = sluice::AdmitCall(limits_, figures_->state, load, request);
  if (!decision.ok()) return decision;
  figures_->state.bytes_in_flight += request.bytes;
  figures_->state.memory_bytes += request.bytes;  // until it is measured again
  ++figures_->state.calls;
  return Ticket(this, {.bytes = request.bytes, .calls = 1});
}

absl::StatusOr<FrontDoor::Ticket> FrontDoor::AdmitStream() {
  MutexLock lock(figures_->mutex);
  if (absl::Status decision = sluice::AdmitStream(limits_, figures_->state); !decision.ok()) return decision;
  ++figures_->state.streams;
  return Ticket(this, {.streams = 1});
}

void FrontDoor::Refresh(double jobs_per_second, int64_t memory_bytes) {
  {
    MutexLock lock(figures_->mutex);
    figures_->state.jobs_per_second = jobs_per_second;
    figures_->state.memory_bytes = memory_bytes;
  }
  store_.Stats([figures = figures_, has_model = has_model_,
                on_store_failed = on_store_failed_](absl::StatusOr<StoreStats> stats) {
    if (ReasonOf(stats.status()) == "STORE_FAILED") {
      if (!NoteFailure(*figures)) on_store_failed();
      return;
    }
    if (!stats.ok()) return;
    MutexLock lock(figures->mutex);
    AdmissionState& state = figures->state;
    state.queued_jobs = stats->queued_jobs();
    state.unrated_jobs = stats->unrated_jobs() + (has_model ? 0 : stats->planned_jobs());
    state.free_disk_bytes = stats->free_disk_bytes;
    figures->tenant_jobs = std::move(stats->tenant_jobs);
  });
}

bool FrontDoor::NoteFailure(Figures& figures) {
  MutexLock lock(figures.mutex);
  return std::exchange(figures.store_failed, true);
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
