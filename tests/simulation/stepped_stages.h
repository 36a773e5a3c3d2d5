// The work of the stepped kind (tests/contract/stepped_kind.h): a text is split into ranges of words, each
// range is a task that waits as on a network, and the join puts together what they made.
#pragma once

#include <string>

#include "core/pipeline/pipeline_body.h"
#include "tests/simulation/world.h"

namespace sluice {

// `world` must outlive the pipeline.
PipelineBody::MoreStages SteppedWork(World& world);

// Whether a join may have made `result` of `payload`: every range once and in order, each with what its words
// make, or with why it failed.
bool IsSteppedResult(const std::string& payload, const std::string& result);

}  // namespace sluice
