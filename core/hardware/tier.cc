#include "core/hardware/tier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr int kMaxThreadsPerReplica = 6;
constexpr int kMaxBatchJobs = 4096;
constexpr int64_t kMaxBatchTokens = 1 << 20;

// 0 is the default everywhere.
absl::Status CheckRequest(const TierRequest& request) {
  SLUICE_RETURN_IF_ERROR(CheckRange("replicas", request.replicas, 0, kMaxReplicas));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_batch_jobs", request.max_batch_jobs, 0, kMaxBatchJobs));
  SLUICE_RETURN_IF_ERROR(CheckRange("max_batch_tokens", request.max_batch_tokens, 0, kMaxBatchTokens));
  return CheckRange("emergency_max_cores", request.emergency_max_cores, 0, 1 << 20);
}

std::vector<ComputeDevice> OfType(const std::vector<ComputeDevice>& devices, absl::string_view type) {
  std::vector<ComputeDevice> matching;
  for (const ComputeDevice& device : devices) {
    if (device.type == type) matching.push_back(device);
  }
  return matching;
}

std::string Counted(int64_t count, absl::string_view noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

TierChoice WithDefaults(Tier tier, std::string reason) {
  switch (tier) {
    case Tier::kCuda:
      return {.tier = tier, .reason = std::move(reason), .max_batch_jobs = 24, .max_batch_tokens = 16384};
    case Tier::kMps:
      return {.tier = tier, .reason = std::move(reason), .max_batch_jobs = 12, .max_batch_tokens = 4096};
    case Tier::kCpu:
      return {.tier = tier, .reason = std::move(reason), .max_batch_jobs = 6, .max_batch_tokens = 2048};
    case Tier::kEmergency:
      break;
  }
  return {.tier = tier, .reason = std::move(reason), .replicas = 0};
}

void Override(const TierRequest& request, TierChoice& choice) {
  if (request.max_batch_jobs > 0) choice.max_batch_jobs = request.max_batch_jobs;
  if (request.max_batch_tokens > 0) choice.max_batch_tokens = request.max_batch_tokens;
}

TierChoice OnDevices(Tier tier, std::vector<ComputeDevice> devices, std::string reason,
                     const TierRequest& request) {
  TierChoice choice = WithDefaults(tier, std::move(reason));
  const int found = static_cast<int>(devices.size());
  choice.replicas = request.replicas > 0 ? request.replicas : std::min(found, kMaxReplicas);
  devices.resize(std::min(found, choice.replicas));
  choice.devices = std::move(devices);
  Override(request, choice);
  return choice;
}

TierChoice OnCpu(int cores, std::string reason, const TierRequest& request) {
  TierChoice choice = WithDefaults(Tier::kCpu, std::move(reason));
  const int by_cores = (cores + kMaxThreadsPerReplica - 1) / kMaxThreadsPerReplica;
  choice.replicas = request.replicas > 0 ? request.replicas : std::clamp(by_cores, 1, kMaxReplicas);
  choice.threads_per_replica = std::max(1, cores / choice.replicas);
  choice.wider_replicas = std::max(0, cores - choice.replicas * choice.threads_per_replica);
  if (request.replicas > 0 && choice.threads_per_replica >= kMaxThreadsPerReplica) {
    choice.threads_per_replica = kMaxThreadsPerReplica;
    choice.wider_replicas = 0;
  }
  Override(request, choice);
  return choice;
}

TierChoice Automatic(const Hardware& hardware, std::vector<ComputeDevice> cuda,
                     std::vector<ComputeDevice> mps, const TierRequest& request) {
  if (!cuda.empty()) {
    const std::string reason = Counted(static_cast<int64_t>(cuda.size()), "CUDA device");
    return OnDevices(Tier::kCuda, std::move(cuda), reason, request);
  }
  if (!mps.empty()) return OnDevices(Tier::kMps, std::move(mps), "no CUDA device; an MPS device", request);
  const std::string reason = absl::StrCat("no CUDA or MPS device; ", Counted(hardware.cores, "core"));
  if (hardware.cores <= request.emergency_max_cores) {
    return WithDefaults(
        Tier::kEmergency,
        absl::StrCat(reason, ", no more than emergency_max_cores=", request.emergency_max_cores));
  }
  return OnCpu(hardware.cores, reason, request);
}

absl::Status Missing(absl::string_view name) {
  return absl::FailedPreconditionError(absl::StrCat(
      "device ", name, " was asked for and is not there: ask for auto or cpu, or check the driver and that ",
      "LibTorch was built with ", name));
}

}  // namespace

const char* TierName(Tier tier) {
  switch (tier) {
    case Tier::kCuda:
      return "cuda";
    case Tier::kMps:
      return "mps";
    case Tier::kCpu:
      return "cpu";
    case Tier::kEmergency:
      break;
  }
  return "emergency";
}

int ThreadsOfReplica(const TierChoice& choice, int replica) {
  return choice.threads_per_replica + (replica < choice.wider_replicas ? 1 : 0);
}

int ThreadsOfAllReplicas(const TierChoice& choice) {
  return choice.replicas * choice.threads_per_replica + choice.wider_replicas;
}

absl::StatusOr<TierChoice> ChooseTier(const Hardware& hardware, const std::vector<ComputeDevice>& devices,
                                      const TierRequest& request) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  std::vector<ComputeDevice> cuda = OfType(devices, "cuda");
  std::vector<ComputeDevice> mps = OfType(devices, "mps");
  switch (request.device) {
    case DeviceRequest::kCuda: {
      if (cuda.empty()) return Missing("cuda");
      const std::string reason =
          absl::StrCat("asked for; ", Counted(static_cast<int64_t>(cuda.size()), "CUDA device"));
      return OnDevices(Tier::kCuda, std::move(cuda), reason, request);
    }
    case DeviceRequest::kMps:
      if (mps.empty()) return Missing("mps");
      return OnDevices(Tier::kMps, std::move(mps), "asked for", request);
    case DeviceRequest::kCpu:
      return OnCpu(hardware.cores, absl::StrCat("asked for; ", Counted(hardware.cores, "core")), request);
    case DeviceRequest::kNone:
      return WithDefaults(Tier::kEmergency, "asked for: no device is to be used");
    case DeviceRequest::kAuto:
      break;
  }
  return Automatic(hardware, std::move(cuda), std::move(mps), request);
}

}  // namespace sluice
