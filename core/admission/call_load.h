// What the scheduler's state means for a call that comes now. Pure.
#pragma once

#include "core/admission/admission.h"
#include "core/batching/micro_batch_scheduler.h"

namespace sluice {

// `tokens_per_second` is of all replicas, 0 unknown. While bulk work waits, interactive work gets what its
// weight in `options` gives it.
CallLoad LoadOf(const SchedulerSnapshot& snapshot, const SchedulerOptions& options, double tokens_per_second);

}  // namespace sluice
