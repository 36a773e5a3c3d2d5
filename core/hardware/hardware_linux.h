// What DetectHardware reads on Linux, below a root that is "/" on a machine and a fixture tree in tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "core/hardware/hardware.h"

namespace sluice {

// Limits of the control groups this process is in, as in cgroups(7): the least one on the way from its own
// group up to the root, over version 2 (cpu.max, memory.max; also mounted at "unified") and version 1 (cfs
// quota and period, memory.limit_in_bytes). Mount points are those of systemd and container runtimes, below
// /sys/fs/cgroup.
struct CgroupLimits {
  std::optional<double> cores;  // of CPU time a second
  std::optional<int64_t> memory_bytes;
};
CgroupLimits ReadCgroupLimits(const std::string& root);

// Fills `processor` and `features` from the text of /proc/cpuinfo, of x86 and arm64.
void ParseCpuInfo(absl::string_view cpuinfo, Hardware& hardware);

// The whole of DetectHardware but for the calls it makes to the kernel. `usable_cores`: online and in the
// affinity mask.
Hardware ReadHardware(const std::string& root, int usable_cores);

}  // namespace sluice
