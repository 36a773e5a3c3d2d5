#include <sys/resource.h>

#include "core/metrics/process_usage.h"

namespace sluice {
namespace {

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  rusage used;
  if (getrusage(RUSAGE_SELF, &used) == 0) usage.cpu_seconds = Seconds(used.ru_utime) + Seconds(used.ru_stime);
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    usage.max_fds = static_cast<int64_t>(limit.rlim_cur);
  }
  return usage;
}

}  // namespace sluice
