// The parsing behind ReadProcessUsage on Linux, on strings so that it is tested without a process of known
// habits.
#pragma once

#include <cstdint>

#include "absl/strings/string_view.h"
#include "core/metrics/process_usage.h"

namespace sluice {

struct LinuxUnits {
  int64_t clock_ticks_per_second = 100;
  int64_t page_bytes = 4096;
};

// `stat` is /proc/<pid>/stat and `system_stat` /proc/stat (for the time the machine booted), as in proc(5).
// Descriptors are not in them and stay empty; a malformed `stat` leaves everything empty.
ProcessUsage ParseProcessStat(absl::string_view stat, absl::string_view system_stat, const LinuxUnits& units);

}  // namespace sluice
