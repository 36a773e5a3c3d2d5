#include "core/admission/retry_spread.h"

#include <optional>
#include <utility>

#include "core/base/error_details.h"

namespace sluice {

absl::Status SpreadRetryDelay(absl::Status status, double random) {
  const std::optional<absl::Duration> delay = RetryDelayOf(status);
  if (!delay.has_value()) return status;
  return WithRetryDelay(std::move(status), *delay * (0.5 + random));
}

}  // namespace sluice
