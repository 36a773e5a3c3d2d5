// Deadlines for gRPC on the monotonic clock: a wall clock that is set moves none.
#pragma once

#include <grpc/support/time.h>

#include "absl/time/time.h"

namespace sluice {

// `timeout` from now.
inline gpr_timespec DeadlineAfter(absl::Duration timeout) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(timeout), GPR_TIMESPAN));
}

}  // namespace sluice
