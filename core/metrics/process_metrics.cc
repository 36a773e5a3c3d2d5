#include "core/metrics/process_metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <filesystem>
#include <utility>

namespace sluice {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

struct Reading {
  const char* name;
  const char* help;
  MetricType type;
  std::optional<double> value;
};

template <typename Number>
std::optional<double> AsDouble(const std::optional<Number>& number) {
  if (!number.has_value()) return std::nullopt;
  return static_cast<double>(*number);
}

void Append(const Reading& reading, std::vector<MetricFamily>& families) {
  if (!reading.value.has_value()) return;
  prometheus::ClientMetric metric;
  (reading.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = *reading.value;
  families.push_back({reading.name, reading.help, reading.type, {std::move(metric)}});
}

void AppendUsage(const ProcessUsage& usage, std::vector<MetricFamily>& families) {
  const Reading readings[] = {
      {"process_cpu_seconds_total", "User and system CPU time spent.", MetricType::Counter,
       usage.cpu_seconds},
      {"process_start_time_seconds", "Start time of the process since the Unix epoch.", MetricType::Gauge,
       usage.start_time_seconds},
      {"process_resident_memory_bytes", "Resident memory size.", MetricType::Gauge,
       AsDouble(usage.resident_memory_bytes)},
      {"process_virtual_memory_bytes", "Virtual memory size.", MetricType::Gauge,
       AsDouble(usage.virtual_memory_bytes)},
      {"process_open_fds", "Open file descriptors.", MetricType::Gauge, AsDouble(usage.open_fds)},
      {"process_max_fds", "Most file descriptors that may be open.", MetricType::Gauge,
       AsDouble(usage.max_fds)},
      {"process_threads", "Threads of the process.", MetricType::Gauge, AsDouble(usage.threads)},
  };
  for (const Reading& reading : readings) Append(reading, families);
}

void AppendDisk(const std::string& directory, std::vector<MetricFamily>& families) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory, error);
  if (error) return;
  Append({"sluice_data_free_bytes", "Free bytes of the file system that holds the data directory.",
          MetricType::Gauge, static_cast<double>(space.available)},
         families);
  Append({"sluice_data_size_bytes", "Size of the file system that holds the data directory.",
          MetricType::Gauge, static_cast<double>(space.capacity)},
         families);
}

}  // namespace

ProcessMetrics::ProcessMetrics(std::string data_directory, absl::AnyInvocable<ProcessUsage() const> read)
    : data_directory_(std::move(data_directory)), read_(std::move(read)) {}

std::vector<MetricFamily> ProcessMetrics::Collect() const {
  std::vector<MetricFamily> families;
  AppendUsage(read_(), families);
  if (!data_directory_.empty()) AppendDisk(data_directory_, families);
  return families;
}

}  // namespace sluice
