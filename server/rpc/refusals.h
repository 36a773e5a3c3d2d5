// Refusals: what every refusal has in common, whichever room it comes from: it is counted by its reason, and
// the moment to come again is spread.
#pragma once

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "core/metrics/service_metrics.h"

namespace sluice {

// Thread-safe.
class Refusals {
 public:
  // In [0, 1), thread-safe.
  using Random = std::function<double()>;

  // `metrics` must outlive it.
  Refusals(ServiceMetrics& metrics, Random random) : metrics_(metrics), random_(std::move(random)) {}

  // Counts a refusal: RESOURCE_EXHAUSTED, or UNAVAILABLE because the server drains. Any status comes back
  // with its retry delay, if it has one, spread by 50 % either way.
  absl::Status Settle(absl::Status status) const;

 private:
  ServiceMetrics& metrics_;
  const Random random_;
};

// Seeded by the system.
Refusals::Random SystemRandom();

}  // namespace sluice
