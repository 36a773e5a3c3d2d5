#include "server/rpc/refusals.h"

#include <memory>
#include <random>
#include <string>

#include "core/admission/retry_spread.h"
#include "core/base/error_details.h"
#include "core/base/mutex.h"

namespace sluice {
namespace {

class LockedGenerator {
 public:
  double Next() {
    MutexLock lock(mutex_);
    return std::uniform_real_distribution<double>(0, 1)(generator_);
  }

 private:
  Mutex mutex_;
  std::mt19937_64 generator_ ABSL_GUARDED_BY(mutex_){std::random_device{}()};
};

}  // namespace

absl::Status Refusals::Settle(absl::Status status) const {
  if (status.ok()) return status;
  const std::string reason = ReasonOf(status);
  if (absl::IsResourceExhausted(status) || (absl::IsUnavailable(status) && reason == "DRAINING"))
    metrics_.CountRefusal(reason);
  return RetryDelayOf(status).has_value() ? SpreadRetryDelay(std::move(status), random_()) : status;
}

Refusals::Random SystemRandom() {
  return [generator = std::make_shared<LockedGenerator>()] { return generator->Next(); };
}

}  // namespace sluice
