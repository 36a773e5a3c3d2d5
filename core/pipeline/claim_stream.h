// ClaimStream: stages whose work is claimed, and bounded, together. Pure.
#pragma once

#include <vector>

#include "core/pipeline/pipeline_context.h"
#include "core/store/stage.h"

namespace sluice {

enum class ClaimBound {
  kTasks,     // tasks of batches: their number, and how many are young
  kCredit,    // what costs tokens: the scheduler's credit, and the number of leases
  kLeases,    // what costs none: the number of leases alone
  kInFlight,  // one stage alone, by its row
};

struct ClaimStream {
  ClaimBound bound = ClaimBound::kCredit;
  std::vector<Stage> stages;
  int max_in_flight = 0;  // of kInFlight
};

// The stages of `known` that this replica claims: it has what they need, or is to fail them for want of it.
std::vector<Stage> ServedStages(const StageTable& table, const std::vector<Stage>& known,
                                const PipelineContext& context);

// Every served stage is in one stream. Tasks for the parser are claimed for each of its `parser_workers` and
// once more, so that none waits for a claim; those behind stay in the store, where what is urgent passes
// them.
std::vector<ClaimStream> ClaimStreams(const StageTable& table, const std::vector<Stage>& served,
                                      int parser_workers = 0);

}  // namespace sluice
