#include "core/pipeline/claim_stream.h"

#include <algorithm>
#include <utility>

namespace sluice {

std::vector<Stage> ServedStages(const StageTable& table, const std::vector<Stage>& known,
                                const PipelineContext& context) {
  std::vector<Stage> served;
  for (const StageRow& row : table.stages()) {
    if (std::find(known.begin(), known.end(), row.id) == known.end()) continue;
    if (row.fails_without || context.Has(row.needs)) served.push_back(row.id);
  }
  return served;
}

namespace {

int MostInFlight(const StageRow& row, int parser_workers) {
  const bool for_parser = row.needs == StageNeeds::kParser && row.scope == StageScope::kTask;
  return for_parser ? std::min(row.max_in_flight, std::max(2 * parser_workers, 1)) : row.max_in_flight;
}

}  // namespace

std::vector<ClaimStream> ClaimStreams(const StageTable& table, const std::vector<Stage>& served,
                                      int parser_workers) {
  ClaimStream tasks{.bound = ClaimBound::kTasks, .stages = {}};
  ClaimStream credit{.bound = ClaimBound::kCredit, .stages = {}};
  ClaimStream leases{.bound = ClaimBound::kLeases, .stages = {}};
  std::vector<ClaimStream> streams;
  for (const Stage stage : served) {
    const StageRow& row = table.At(stage);
    if (row.scope == StageScope::kBatch) {
      tasks.stages.push_back(stage);
    } else if (row.cost == CostUnit::kTokens) {
      credit.stages.push_back(stage);
    } else if (row.max_in_flight > 0) {
      streams.push_back({ClaimBound::kInFlight, {stage}, MostInFlight(row, parser_workers)});
    } else {
      leases.stages.push_back(stage);
    }
  }
  for (ClaimStream* const stream : {&leases, &credit, &tasks}) {
    if (!stream->stages.empty()) streams.insert(streams.begin(), std::move(*stream));
  }
  return streams;
}

}  // namespace sluice
