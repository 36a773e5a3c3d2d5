#include "core/hardware/hardware_linux.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice {
namespace {

struct Feature {
  const char* flag;  // as /proc/cpuinfo spells it
  const char* name;
};
constexpr Feature kFeatures[] = {{"avx2", "avx2"},
                                 {"avx_vnni", "avx_vnni"},
                                 {"avx512f", "avx512f"},
                                 {"avx512_vnni", "avx512_vnni"},
                                 {"avx512_bf16", "avx512_bf16"},
                                 {"amx_bf16", "amx_bf16"},
                                 {"amx_int8", "amx_int8"},
                                 {"asimd", "neon"},
                                 {"bf16", "bf16"}};

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

// "max" and whatever else is no number read as no limit.
std::optional<int64_t> ToInteger(absl::string_view text) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(text), &value)) return std::nullopt;
  return value;
}

template <typename Number>
void Lower(std::optional<Number>& least, const std::optional<Number>& limit) {
  if (limit.has_value() && (!least.has_value() || *limit < *least)) least = limit;
}

std::optional<double> Quota(const std::optional<int64_t>& quota, const std::optional<int64_t>& period) {
  if (!quota.has_value() || !period.has_value() || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

std::optional<double> ReadCpuMax(const std::string& directory) {
  const std::string text = ReadFile(directory + "/cpu.max");
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits(' ', 1));
  return Quota(ToInteger(parts.first), ToInteger(parts.second));
}

std::optional<double> ReadCfsQuota(const std::string& directory) {
  return Quota(ToInteger(ReadFile(directory + "/cpu.cfs_quota_us")),
               ToInteger(ReadFile(directory + "/cpu.cfs_period_us")));
}

// The group's own directory, its parents and the mount point. A container may not see the groups above it:
// those paths are then missing and say nothing.
std::vector<std::string> UpToTheRoot(const std::string& mount, absl::string_view group) {
  std::vector<std::string> directories;
  while (group.size() > 1) {
    directories.push_back(absl::StrCat(mount, group));
    group = group.substr(0, std::min(group.rfind('/'), group.size()));
  }
  directories.push_back(mount);
  return directories;
}

// One line of /proc/self/cgroup: "hierarchy:controllers:group", with "0::group" for version 2.
void LowerByHierarchy(const std::string& cgroup_root, absl::string_view line, CgroupLimits& limits) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
  if (fields.size() != 3) return;
  const absl::string_view group = fields[2];
  if (fields[1].empty()) {
    for (const char* mount : {"", "/unified"}) {
      for (const std::string& directory : UpToTheRoot(cgroup_root + mount, group)) {
        Lower(limits.cores, ReadCpuMax(directory));
        Lower(limits.memory_bytes, ToInteger(ReadFile(directory + "/memory.max")));
      }
    }
    return;
  }
  for (absl::string_view controller : absl::StrSplit(fields[1], ',')) {
    // The directory has the name of the whole set, and most systems link each controller's own name to it.
    for (const absl::string_view mount : {controller, fields[1]}) {
      for (const std::string& directory : UpToTheRoot(absl::StrCat(cgroup_root, "/", mount), group)) {
        if (controller == "cpu") Lower(limits.cores, ReadCfsQuota(directory));
        if (controller == "memory") {
          Lower(limits.memory_bytes, ToInteger(ReadFile(directory + "/memory.limit_in_bytes")));
        }
      }
    }
  }
}

int64_t ReadPhysicalMemory(const std::string& root) {
  const std::string meminfo = ReadFile(root + "/proc/meminfo");
  for (absl::string_view line : absl::StrSplit(meminfo, '\n')) {
    if (!absl::ConsumePrefix(&line, "MemTotal:") || !absl::ConsumeSuffix(&line, "kB")) continue;
    return ToInteger(line).value_or(0) * 1024;
  }
  return 0;
}

// Cores in the affinity mask, which cpusets narrow too; 0 when the kernel does not say.
int AffinityCores() {
  // The mask must be as large as the kernel's own, which is not told: double it until it is.
  for (int bits = 1024; bits <= (1 << 20); bits *= 2) {
    cpu_set_t* const mask = CPU_ALLOC(bits);
    if (mask == nullptr) return 0;
    const size_t size = CPU_ALLOC_SIZE(bits);
    const int cores = sched_getaffinity(0, size, mask) == 0 ? CPU_COUNT_S(size, mask) : 0;
    CPU_FREE(mask);
    if (cores > 0) return cores;
  }
  return 0;
}

}  // namespace

CgroupLimits ReadCgroupLimits(const std::string& root) {
  CgroupLimits limits;
  const std::string groups = ReadFile(root + "/proc/self/cgroup");
  for (absl::string_view line : absl::StrSplit(groups, '\n', absl::SkipEmpty())) {
    LowerByHierarchy(root + "/sys/fs/cgroup", line, limits);
  }
  return limits;
}

void ParseCpuInfo(absl::string_view cpuinfo, Hardware& hardware) {
  hardware.processor = "unknown";
  hardware.features.clear();
  // The first processor speaks for all.
  for (absl::string_view line : absl::StrSplit(cpuinfo.substr(0, cpuinfo.find("\n\n")), '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(':', 1));
    const absl::string_view key = absl::StripAsciiWhitespace(parts.first);
    const absl::string_view value = absl::StripAsciiWhitespace(parts.second);
    if (key == "model name" && !value.empty()) hardware.processor = std::string(value);
    if (key != "flags" && key != "Features") continue;
    const std::vector<absl::string_view> flags = absl::StrSplit(value, ' ');
    for (const Feature& feature : kFeatures) {
      if (std::find(flags.begin(), flags.end(), feature.flag) != flags.end())
        hardware.features.push_back(feature.name);
    }
  }
}

Hardware ReadHardware(const std::string& root, int usable_cores) {
  Hardware hardware;
  const CgroupLimits limits = ReadCgroupLimits(root);
  double cores = usable_cores;
  if (limits.cores.has_value()) cores = std::min(cores, std::ceil(*limits.cores));
  hardware.cores = std::max(1, static_cast<int>(cores));
  hardware.memory_bytes = ReadPhysicalMemory(root);
  if (limits.memory_bytes.has_value() &&
      (hardware.memory_bytes == 0 || *limits.memory_bytes < hardware.memory_bytes)) {
    hardware.memory_bytes = *limits.memory_bytes;
  }
  ParseCpuInfo(ReadFile(root + "/proc/cpuinfo"), hardware);
  return hardware;
}

Hardware DetectHardware() {
  const int online = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  const int affine = AffinityCores();
  return ReadHardware("", affine > 0 ? std::min(online, affine) : online);
}

}  // namespace sluice
