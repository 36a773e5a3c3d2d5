// FrontDoor: keeps what admission is decided on, and asks it before any work is accepted.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "core/admission/admission.h"
#include "core/base/mutex.h"
#include "core/metrics/service_metrics.h"
#include "core/store/batch_store.h"

namespace sluice {

// Thread-safe, never blocks. The store's figures are those of the last Refresh, plus what was let in since.
class FrontDoor {
 public:
  // What a request in progress holds of the bounds; gives it back when destroyed. Must not outlive the door.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&& other) noexcept;
    ~Ticket() { Release(); }

   private:
    friend class FrontDoor;
    Ticket(FrontDoor* door, int64_t bytes, int uploads) : door_(door), bytes_(bytes), uploads_(uploads) {}
    void Release();

    FrontDoor* door_ = nullptr;
    int64_t bytes_ = 0;
    int uploads_ = 0;
  };

  // Both must outlive the door.
  FrontDoor(const AdmissionLimits& limits, BatchStore& store, ServiceMetrics& metrics);

  // The refusals of core/admission, each counted.
  absl::StatusOr<Ticket> AdmitJobs(int64_t jobs, int64_t bytes);
  absl::StatusOr<Ticket> AdmitUpload();
  // An interactive call: only the bytes in flight bound it, since it touches no store.
  absl::StatusOr<Ticket> AdmitCall(int64_t bytes);

  // Asks the store for its figures; they arrive later. `jobs_per_second` is the pipeline's.
  void Refresh(double jobs_per_second);

  // Whether the last Refresh found that the store answers nothing any more, until the process is restarted.
  bool store_failed() const;

  // From here on no batch is admitted.
  void BeginDrain();
  bool draining() const;

  const AdmissionLimits& limits() const { return limits_; }

 private:
  // Shared with answers of the store that come after the door is gone.
  struct Figures {
    mutable Mutex mutex;
    AdmissionState state ABSL_GUARDED_BY(mutex);
    bool store_failed ABSL_GUARDED_BY(mutex) = false;
  };

  absl::StatusOr<Ticket> Decide(const AdmissionRequest& request, bool bytes_only);

  const AdmissionLimits limits_;
  BatchStore& store_;
  ServiceMetrics& metrics_;
  const std::shared_ptr<Figures> figures_ = std::make_shared<Figures>();
};

}  // namespace sluice
