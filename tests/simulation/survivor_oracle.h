// The survivors of a committed plan, computed from the plan and the postings alone: what the pipeline must
// do, whatever happened to it on the way.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/pipeline/job_codec.h"
#include "tests/simulation/world.h"

namespace sluice {

// Job indices, in no order of meaning. None when nothing of the batch can be screened.
std::vector<int64_t> SurvivorsOfPlan(const JobCodec& codec, const Content& content, const std::string& plan);

}  // namespace sluice
