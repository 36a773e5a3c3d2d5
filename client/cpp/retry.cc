#include "client/cpp/retry.h"

#include <algorithm>
#include <cmath>

#include "core/base/error_details.h"

namespace sluice {

std::optional<absl::Duration> NextAttemptIn(const RetryOptions& options, int failed_attempts,
                                            const absl::Status& status, double jitter) {
  if (failed_attempts >= options.max_attempts) return std::nullopt;
  const std::optional<absl::Duration> pushback = RetryDelayOf(status);
  const bool refused = absl::IsResourceExhausted(status) && pushback.has_value();
  if (!refused && !absl::IsUnavailable(status)) return std::nullopt;
  if (pushback.has_value()) {
    if (*pushback > options.max_pushback) return std::nullopt;
    // Never earlier than told; a little later, each client differently.
    return *pushback * (1.0 + 0.1 * jitter);
  }
  const absl::Duration backoff =
      std::min(options.max_backoff, options.initial_backoff * std::exp2(std::min(failed_attempts - 1, 30)));
  return backoff * (0.5 + 0.5 * jitter);
}

}  // namespace sluice
