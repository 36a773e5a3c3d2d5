// ProcessLimits: what the system lets this process have, as in setrlimit(2), and whether a server can live
// with it.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"

namespace sluice {

// Descriptors that are no connections to the gRPC port: those of the admin port, and files.
inline constexpr int kReservedDescriptors = 256;
inline constexpr int kLeastConnections = 16;

// Raises the soft limit of open descriptors to the hard one. Where that fails the limit stays. Call before
// threads start.
void RaiseDescriptorLimit();

// INT64_MAX: none.
int64_t DescriptorLimit();

// `wanted`, or as many as `descriptors` leave. FAILED_PRECONDITION (LIMIT_TOO_LOW) names the limit where even
// kLeastConnections do not fit. Pure.
absl::StatusOr<int> ConnectionsWithin(int wanted, int64_t descriptors);

}  // namespace sluice
