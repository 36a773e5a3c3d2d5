// Tier: the defaults a machine starts from, before calibration refines them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/hardware/hardware.h"

namespace sluice {

inline constexpr int kMaxReplicas = 64;  // of a server

enum class Tier { kCuda, kMps, kCpu, kEmergency };
const char* TierName(Tier tier);  // "cuda", "mps", "cpu", "emergency"

enum class DeviceRequest { kAuto, kCuda, kMps, kCpu, kNone };

struct TierRequest {
  DeviceRequest device = DeviceRequest::kAuto;
  // 0: the tier's default.
  int replicas = 0;              // at most kMaxReplicas
  int max_batch_jobs = 0;        // at most 4096
  int64_t max_batch_tokens = 0;  // at most 1,048,576
  // With kAuto and no GPU the emergency tier is taken with this many cores or fewer; 0 never.
  int emergency_max_cores = 0;
};

struct TierChoice {
  Tier tier = Tier::kCpu;
  std::string reason;                  // a sentence: "no CUDA or MPS device; 2 cores"
  std::vector<ComputeDevice> devices;  // the ones in use; empty on cpu and emergency
  int replicas = 1;                    // in all; one a GPU, cores / 6 rounded up on cpu; 0 in emergency
  int threads_per_replica = 1;         // cpu: one a core, at most 6 a replica; calibration may divide them
  int wider_replicas = 0;              // so many of the first have one thread more: no core is left over
  int max_batch_jobs = 6;              // cuda 24, mps 12, cpu 6
  int64_t max_batch_tokens = 2048;     // cuda 16384, mps 4096, cpu 2048
};

int ThreadsOfReplica(const TierChoice& choice, int replica);
int ThreadsOfAllReplicas(const TierChoice& choice);

// Lets "auto" take every CUDA device, else the MPS device, else the CPU. With fewer replicas than devices
// only the first so many are used. On the CPU every core gets a thread, unless a number of replicas was asked
// for that has fewer than a sixth of the cores.
//
// FAILED_PRECONDITION when a device is asked for by name and is not there; INVALID_ARGUMENT names a number
// out of range.
absl::StatusOr<TierChoice> ChooseTier(const Hardware& hardware, const std::vector<ComputeDevice>& devices,
                                      const TierRequest& request);

}  // namespace sluice
