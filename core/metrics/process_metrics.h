// ProcessMetrics: the process_* metrics that Prometheus client libraries agree on, and the data directory's
// disk.
//
// process_cpu_seconds_total, process_start_time_seconds, process_resident_memory_bytes,
// process_virtual_memory_bytes, process_open_fds, process_max_fds, process_threads; sluice_data_free_bytes
// and sluice_data_size_bytes, of the file system that holds the data directory. What the platform does not
// tell is left out rather than shown as zero.
#pragma once

#include <prometheus/collectable.h>

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "core/metrics/process_usage.h"

namespace sluice {

// Thread-safe. Reads anew at each Collect, which does a little file I/O. Hand it to whatever serves /metrics,
// beside the registry.
class ProcessMetrics final : public prometheus::Collectable {
 public:
  // `data_directory` empty: no disk metrics. `read` is for tests.
  explicit ProcessMetrics(std::string data_directory,
                          absl::AnyInvocable<ProcessUsage() const> read = ReadProcessUsage);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string data_directory_;
  const absl::AnyInvocable<ProcessUsage() const> read_;
};

}  // namespace sluice
