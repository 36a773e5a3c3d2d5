#include "core/pipeline/stage_ends.h"

#include "core/base/error_details.h"
#include "core/pipeline/store_call.h"

namespace sluice {

absl::Status NoModelError() {
  return WithReason(absl::FailedPreconditionError("this server runs without a model (emergency tier)"),
                    "NO_MODEL");
}

void EndUnread(PipelineContext& context, const LeasePtr& lease, const absl::Status& status) {
  if (IsTransientStoreError(status)) return context.sink->GiveBack(lease);
  if (absl::IsNotFound(status)) return context.sink->Drop(lease);
  context.sink->Finish(lease, FailedOutcome(status));
}

void EndRefused(PipelineContext& context, const LeasePtr& lease, const absl::Status& status) {
  const int bulk = static_cast<int>(WorkClass::kBulk);
  const bool never_fits =
      absl::IsResourceExhausted(status) && context.parts.scheduler->Snapshot().queued_works[bulk] == 0;
  const bool may_pass = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
  if (may_pass && !never_fits) return context.sink->GiveBack(lease);
  context.sink->Finish(lease, FailedOutcome(status));
}

void EndUnencoded(PipelineContext& context, const LeasePtr& lease, const absl::Status& status) {
  if (lease->stop != StopReason::kNone && absl::IsCancelled(status)) return context.sink->Stop(lease);
  if (absl::IsUnavailable(status)) return context.sink->GiveBack(lease);
  context.sink->Finish(lease, FailedOutcome(status));
}

}  // namespace sluice
