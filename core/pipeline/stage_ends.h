// How the encoding stages end a job that did not get its vector. Pure decisions.
#pragma once

#include "absl/status/status.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/pipeline/pipeline_context.h"

namespace sluice {

// FAILED_PRECONDITION, reason NO_MODEL.
absl::Status NoModelError();

// Ends `lease` for a failure to read its batch: back to the store when that may pass, nothing more when the
// batch is gone, else FAILED.
void EndUnread(PipelineContext& context, const LeasePtr& lease, const absl::Status& status);

// Ends `lease` whose works the scheduler refused: back to the store, or FAILED when they can never fit.
void EndRefused(PipelineContext& context, const LeasePtr& lease, const absl::Status& status);

// Ends `lease` whose encoding failed: by its stop reason when it was cancelled, back to the store when the
// scheduler was closed, else FAILED with the encoder's own reason.
void EndUnencoded(PipelineContext& context, const LeasePtr& lease, const absl::Status& status);

}  // namespace sluice
