#include "server/process_limits.h"

#include <sys/resource.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"

namespace sluice {

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int64_t DescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return INT64_MAX;
  return static_cast<int64_t>(limit.rlim_cur);
}

absl::StatusOr<int> ConnectionsWithin(int wanted, int64_t descriptors) {
  const int64_t left = descriptors - kReservedDescriptors;
  if (left < kLeastConnections) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          "the limit on open files (RLIMIT_NOFILE, ulimit -n) is ", descriptors,
                          "; at least ", kReservedDescriptors + kLeastConnections, " are needed: raise it")),
                      "LIMIT_TOO_LOW");
  }
  return static_cast<int>(std::min<int64_t>(wanted, left));
}

}  // namespace sluice
