// RetrySpread: moves the moments at which refused clients come again apart, so that they do not come all at
// once.
#pragma once

#include "absl/status/status.h"

namespace sluice {

// The status with its retry delay, if it has one, at 50 % to 150 % of what it is, for `random` in [0, 1).
// Pure.
absl::Status SpreadRetryDelay(absl::Status status, double random);

}  // namespace sluice
