// SteppedKind: kinds of jobs for tests, whose jobs go through two stages, split and join, with a fan-out
// between them.
#pragma once

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/store/batch.h"

namespace sluice {

inline constexpr JobKind kStepped = static_cast<JobKind>(100);
inline constexpr Stage kSplit = static_cast<Stage>(101);  // of jobs
inline constexpr Stage kPart = static_cast<Stage>(102);   // of tasks
inline constexpr Stage kJoin = static_cast<Stage>(103);   // of jobs
// The same behind a plan, as screening has one.
inline constexpr JobKind kPlanned = static_cast<JobKind>(110);
inline constexpr Stage kPlannedPlan = static_cast<Stage>(111);   // of the batch
inline constexpr Stage kPlannedSplit = static_cast<Stage>(112);  // of jobs
inline constexpr Stage kPlannedPart = static_cast<Stage>(113);   // of tasks
inline constexpr Stage kPlannedJoin = static_cast<Stage>(114);   // of jobs

// The built-in table and these kinds. Its tasks are bounded like requests to a network.
inline const StageTable& SteppedStages() {
  static const StageTable* const table = [] {
    std::vector<KindRow> kinds(std::begin(kBuiltInKinds), std::end(kBuiltInKinds));
    std::vector<StageRow> stages(std::begin(kBuiltInStages), std::end(kBuiltInStages));
    kinds.push_back({.kind = kStepped, .name = "stepped", .first = kSplit});
    stages.push_back({.id = kSplit, .name = "split", .kind = kStepped});
    stages.push_back({.id = kPart,
                      .name = "part",
                      .kind = kStepped,
                      .scope = StageScope::kTask,
                      .cost = CostUnit::kRequests,
                      .max_in_flight = 3});
    stages.push_back({.id = kJoin, .name = "join", .kind = kStepped});
    kinds.push_back({.kind = kPlanned, .name = "planned", .first = kPlannedPlan});
    stages.push_back({.id = kPlannedPlan, .name = "plan", .kind = kPlanned, .scope = StageScope::kBatch});
    stages.push_back({.id = kPlannedSplit, .name = "planned_split", .kind = kPlanned});
    stages.push_back(
        {.id = kPlannedPart, .name = "planned_part", .kind = kPlanned, .scope = StageScope::kTask});
    stages.push_back({.id = kPlannedJoin, .name = "planned_join", .kind = kPlanned});
    return new StageTable(std::move(kinds), std::move(stages));
  }();
  return *table;
}

// The same with so many attempts in every stage.
inline StageTable SteppedStagesWith(int attempts) {
  std::vector<StageRow> stages = SteppedStages().stages();
  for (StageRow& stage : stages) stage.attempts = attempts;
  return StageTable(SteppedStages().kinds(), std::move(stages));
}

// A fan-out of a split job; `next` is its join.
inline FanOut SplitInto(int tasks, std::string artifact = "split") {
  FanOut fan_out{.stage = kPart, .tasks = {}, .next = kJoin, .artifact = std::move(artifact)};
  for (int task = 0; task < tasks; ++task) fan_out.tasks.push_back(absl::StrCat("range ", task));
  return fan_out;
}

}  // namespace sluice
