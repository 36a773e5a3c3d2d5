// FrontDoor: keeps what admission is decided on, and asks it before any work is accepted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/admission/admission.h"
#include "core/base/mutex.h"
#include "core/store/store_upkeep.h"

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
    struct Hold {
      int64_t bytes = 0;
      int uploads = 0;
      int calls = 0;
      int streams = 0;
    };
    Ticket(FrontDoor* door, const Hold& hold) : door_(door), hold_(hold) {}
    void Release();

    FrontDoor* door_ = nullptr;
    Hold hold_;
  };

  // The store must outlive the door. Without a model, what only a model can go on with delays nobody.
  // `on_store_failed` is called when store_failed() turns, on the store's thread; it must outlive the store.
  FrontDoor(
      const AdmissionLimits& limits, StoreUpkeep& store, bool has_model,
      std::function<void()> on_store_failed = [] {});

  // The refusals of core/admission. They are counted where a call ends, with those of the rooms behind.
  absl::StatusOr<Ticket> AdmitJobs(const std::string& tenant, const AdmissionRequest& request);
  absl::StatusOr<Ticket> AdmitUpload(const std::string& tenant);
  absl::StatusOr<Ticket> AdmitCall(const CallLoad& load, const CallRequest& request);
  absl::StatusOr<Ticket> AdmitStream();

  // What is measured besides: the pipeline's rate and this process's memory. Asks the store for its figures,
  // too; they arrive later.
  void Refresh(double jobs_per_second, int64_t memory_bytes);

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
    AdmissionState state ABSL_GUARDED_BY(mutex);  // without tenant_queued_jobs
    std::map<std::string, int64_t> tenant_jobs ABSL_GUARDED_BY(mutex);
    bool store_failed ABSL_GUARDED_BY(mutex) = false;
  };
  static bool NoteFailure(Figures& figures);  // whether it was known

  const AdmissionLimits limits_;
  StoreUpkeep& store_;
  const bool has_model_;
  const std::function<void()> on_store_failed_;
  const std::shared_ptr<Figures> figures_ = std::make_shared<Figures>();
};

}  // namespace sluice
