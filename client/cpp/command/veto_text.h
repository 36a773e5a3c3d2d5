// VetoText: which rules rejected most of a batch, and what to look at where one rejected nearly all of it.
// Pure.
#pragma once

#include <string>

#include "client/cpp/command/verdict_tally.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

// Lines of the summary; "" where no rule vetoed a posting. A rule that leaves at most a tenth gets a line of
// its own; where that is because of their age, it says from which day on there would be postings.
std::string VetoText(const VerdictTally& tally, const v1::Batch& batch);

}  // namespace sluice
