// SimulatedClient: a tenant's programs. They submit, upload, repeat, cancel, read and delete through
// whichever server takes calls, and try again as the client library does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/admission/admission.h"
#include "tests/simulation/simulated_link.h"
#include "tests/simulation/world.h"

namespace sluice {

// The front door that all servers of a run share: the real decision, on what was let in and is not known to
// be done.
class SimulatedDoor {
 public:
  SimulatedDoor(World& world, int64_t max_tenant_jobs) : world_(world) {
    limits_.max_queued_jobs = max_tenant_jobs;
  }

  int64_t max_tenant_jobs() const { return limits_.max_queued_jobs; }
  // What is let in counts twice for a while: as on its way, and as a batch once the store has it.
  absl::Status Admit(const std::string& tenant, int64_t jobs);

 private:
  World& world_;
  AdmissionLimits limits_;
  std::map<std::string, int64_t> on_the_way_;  // jobs, by tenant
};

class SimulatedClient {
 public:
  using PickLink = std::function<SimulatedLink*()>;  // null: no server takes calls now

  SimulatedClient(World& world, SimulatedDoor& door, std::string tenant, PickLink pick_link)
      : world_(world), door_(door), tenant_(std::move(tenant)), pick_link_(std::move(pick_link)) {
    world_.tenants.insert(tenant_);
  }

  // Does something now and goes on until `end` (monotonic).
  void Live(absl::Duration end);

 private:
  struct Request {
    NewBatch batch;
    std::vector<NewJob> jobs;
    int tries_left = 1;
    int try_number = 0;
    bool answered = false;
  };
  using RequestPtr = std::shared_ptr<Request>;

  void ActOnce();
  RequestPtr Draw();
  std::string DrawText();
  std::string DrawSpec(JobKind kind);
  void Create();
  void Repeat();
  void Try(const RequestPtr& request);
  void TryAgain(const RequestPtr& request);
  void UploadParts();
  void Append(const RequestPtr& upload, const std::string& batch_id, size_t first);
  void Seal(const RequestPtr& upload, const std::string& batch_id);
  void Cancel();
  void Delete();
  void Read();
  std::string PickBatch() { return batches_[static_cast<size_t>(world_.dice.Below(std::ssize(batches_)))]; }

  World& world_;
  SimulatedDoor& door_;
  const std::string tenant_;
  const PickLink pick_link_;
  std::vector<std::string> batches_;
  std::vector<RequestPtr> sent_;  // with a request_id
  int next_request_ = 0;
};

}  // namespace sluice
