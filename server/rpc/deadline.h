// Moments for gRPC's alarms and from its deadlines, on the monotonic clock: a wall clock that is set moves
// none.
#pragma once

#include <grpc/support/time.h>

#include "absl/time/time.h"

namespace sluice {

// `wait` from now.
inline gpr_timespec DeadlineIn(absl::Duration wait) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_micros(absl::ToInt64Microseconds(wait), GPR_TIMESPAN));
}

// How long from now `deadline` is; infinite for none.
inline absl::Duration TimeLeftUntil(gpr_timespec deadline) {
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) return absl::InfiniteDuration();
  const gpr_timespec left = gpr_convert_clock_type(deadline, GPR_TIMESPAN);
  return absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

}  // namespace sluice
