// ProcessUsage: what the operating system says about this process. Reading it is the platform's own file.
#pragma once

#include <cstdint>
#include <optional>

namespace sluice {

// A field the platform does not tell is left empty.
struct ProcessUsage {
  std::optional<double> cpu_seconds;         // user and system, since start
  std::optional<double> start_time_seconds;  // since the Unix epoch
  std::optional<int64_t> resident_memory_bytes;
  std::optional<int64_t> virtual_memory_bytes;
  std::optional<int64_t> open_fds;
  std::optional<int64_t> max_fds;
  std::optional<int64_t> threads;
};

// Thread-safe. Reads a few small files; never fails.
ProcessUsage ReadProcessUsage();

}  // namespace sluice
