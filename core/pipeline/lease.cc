#include "core/pipeline/lease.h"

#include <string>

#include "core/base/error_details.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

constexpr size_t kMaxMessageBytes = 1024;

}  // namespace

void LeaseSink::Stop(const LeasePtr& lease) {
  switch (lease->stop.load()) {
    case StopReason::kBatchCancelled:
      // The batch's end took the leases of its tasks: there is nothing to record under them.
      if (lease->claim.scope != StageScope::kJob) return Drop(lease);
      return Finish(lease, NewOutcome{.kind = OutcomeKind::kCancelled});
    case StopReason::kDraining:
      return GiveBack(lease);
    case StopReason::kSessionLost:
    case StopReason::kNone:
      return Drop(lease);
  }
}

NewOutcome FailedOutcome(const absl::Status& status) {
  NewOutcome outcome{.kind = OutcomeKind::kFailed};
  outcome.error_code = status.code();
  outcome.error_reason = ReasonOf(status);
  if (outcome.error_reason.empty()) outcome.error_reason = absl::StatusCodeToString(status.code());
  outcome.error_message = Shortened(status.message(), kMaxMessageBytes);
  return outcome;
}

}  // namespace sluice
