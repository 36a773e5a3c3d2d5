#include "core/metrics/process_usage_linux.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

// Positions in /proc/<pid>/stat counted from the field after the command, whose own position is 2.
constexpr size_t kUserTicks = 14 - 3;
constexpr size_t kSystemTicks = 15 - 3;
constexpr size_t kThreads = 20 - 3;
constexpr size_t kStartTicks = 22 - 3;
constexpr size_t kVirtualBytes = 23 - 3;
constexpr size_t kResidentPages = 24 - 3;

std::optional<int64_t> ToInteger(absl::string_view text) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return std::nullopt;
  return value;
}

std::optional<int64_t> BootTimeSeconds(absl::string_view system_stat) {
  for (absl::string_view line : absl::StrSplit(system_stat, '\n')) {
    if (absl::ConsumePrefix(&line, "btime ")) return ToInteger(line);
  }
  return std::nullopt;
}

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::optional<int64_t> CountOpenFds() {
  std::error_code error;
  std::filesystem::directory_iterator entries("/proc/self/fd", error);
  if (error) return std::nullopt;
  // The iterator itself holds one descriptor.
  return std::distance(begin(entries), std::filesystem::directory_iterator()) - 1;
}

std::optional<int64_t> MaxFds() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  return static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace

ProcessUsage ParseProcessStat(absl::string_view stat, absl::string_view system_stat,
                              const LinuxUnits& units) {
  ProcessUsage usage;
  // The command stands in parentheses and may hold spaces and parentheses itself.
  const size_t command_end = stat.rfind(") ");
  if (command_end == absl::string_view::npos) return usage;
  const std::vector<absl::string_view> fields = absl::StrSplit(stat.substr(command_end + 2), ' ');
  if (fields.size() <= kResidentPages) return usage;
  const auto user = ToInteger(fields[kUserTicks]);
  const auto system = ToInteger(fields[kSystemTicks]);
  const auto start = ToInteger(fields[kStartTicks]);
  const auto boot = BootTimeSeconds(system_stat);
  const double ticks = static_cast<double>(units.clock_ticks_per_second);
  if (user && system) usage.cpu_seconds = static_cast<double>(*user + *system) / ticks;
  if (start && boot)
    usage.start_time_seconds = static_cast<double>(*boot) + static_cast<double>(*start) / ticks;
  usage.threads = ToInteger(fields[kThreads]);
  usage.virtual_memory_bytes = ToInteger(fields[kVirtualBytes]);
  if (const auto pages = ToInteger(fields[kResidentPages]))
    usage.resident_memory_bytes = *pages * units.page_bytes;
  return usage;
}

ProcessUsage ReadProcessUsage() {
  const LinuxUnits units = {.clock_ticks_per_second = sysconf(_SC_CLK_TCK),
                            .page_bytes = sysconf(_SC_PAGESIZE)};
  ProcessUsage usage = ParseProcessStat(ReadFile("/proc/self/stat"), ReadFile("/proc/stat"), units);
  usage.open_fds = CountOpenFds();
  usage.max_fds = MaxFds();
  return usage;
}

}  // namespace sluice
