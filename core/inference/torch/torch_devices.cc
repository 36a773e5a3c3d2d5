#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/detail/MPSHooksInterface.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/inference/torch/torch_encoder.h"
#include "core/inference/torch/torch_status.h"

namespace sluice {
namespace {

std::vector<ComputeDevice> CudaDevices() {
  std::vector<ComputeDevice> devices;
  const int count = at::detail::getCUDAHooks().getNumGPUs();
  for (int i = 0; i < count; ++i) {
    const auto memory = at::accelerator::getMemoryInfo(static_cast<c10::DeviceIndex>(i));
    devices.push_back({.type = "cuda",
                       .index = i,
                       .name = absl::StrCat("CUDA device ", i),
                       .memory_bytes = static_cast<int64_t>(memory.second)});
  }
  return devices;
}

}  // namespace

std::vector<ComputeDevice> ListTorchDevices() {
  std::vector<ComputeDevice> devices;
  // A driver that throws is a device that is not there.
  CatchTorch("listing devices failed", [&] {
    if (at::hasCUDA()) devices = CudaDevices();
    const at::MPSHooksInterface& mps = at::detail::getMPSHooks();
    if (mps.hasMPS()) {
      devices.push_back({.type = "mps",
                         .index = 0,
                         .name = "Apple GPU",
                         .memory_bytes = static_cast<int64_t>(mps.getRecommendedMaxMemory())});
    }
    return absl::OkStatus();
  }).IgnoreError();
  return devices;
}

std::string TorchVersion() {
  constexpr absl::string_view kMark = "TORCH_VERSION=";
  const std::string config = at::show_config();
  const size_t mark = config.find(std::string(kMark));
  if (mark == std::string::npos) return "unknown";
  const size_t begin = mark + kMark.size();
  return config.substr(begin, config.find_first_of(", \n", begin) - begin);
}

}  // namespace sluice
