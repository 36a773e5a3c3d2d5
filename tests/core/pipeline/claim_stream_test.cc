#include "core/pipeline/claim_stream.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/stepped_kind.h"
#include "tests/fakes/simulated_clock.h"
#include "tests/fakes/word_tokenizer.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Stage> Served(bool has_model, const StageTable& table, const std::vector<Stage>& known) {
  PipelineContext context;
  WordTokenizer tokenizer;
  SimulatedClock clock;
  const auto scheduler = MicroBatchScheduler::Create({}, clock, nullptr);
  if (has_model) {
    context.parts.scheduler = scheduler->get();
    context.parts.tokenizer = &tokenizer;
  }
  return ServedStages(table, known, context);
}

const std::vector<Stage> kAllStages = {Stage::kPlan, Stage::kScore, Stage::kEmbed, kSplit, kPart, kJoin};

TEST(ClaimStream, AReplicaServesTheStagesItHasWorkForAndCanDo) {
  EXPECT_EQ(Served(true, SteppedStages(), kAllStages), kAllStages);
  EXPECT_THAT(Served(true, SteppedStages(), {Stage::kEmbed, kJoin}), ElementsAre(Stage::kEmbed, kJoin));
}

// A survivor of the gate waits for a replica with a model; a text to embed fails at once without one.
TEST(ClaimStream, WithoutAModelAStageWaitsUnlessItIsToFail) {
  EXPECT_THAT(Served(false, StageTable::BuiltIn(), {Stage::kPlan, Stage::kScore, Stage::kEmbed}),
              ElementsAre(Stage::kPlan, Stage::kEmbed));
}

TEST(ClaimStream, WhatNoReplicaOfThisReleaseHasIsServedByNone) {
  std::vector<StageRow> rows = SteppedStages().stages();
  for (StageRow& row : rows) {
    if (row.id == kSplit) row.needs = StageNeeds::kParser;
    if (row.id == kPart) row.needs = StageNeeds::kLanguageModel;
  }
  const StageTable table(SteppedStages().kinds(), rows);
  EXPECT_THAT(Served(true, table, {kSplit, kPart, kJoin}), ElementsAre(kJoin));
}

// Only what costs tokens waits for credit; what waits on a network has a bound of its own besides.
TEST(ClaimStream, EveryServedStageIsInOneStreamByItsBound) {
  const std::vector<ClaimStream> streams = ClaimStreams(SteppedStages(), kAllStages);
  ASSERT_EQ(streams.size(), 4u);
  EXPECT_EQ(streams[0].bound, ClaimBound::kTasks);
  EXPECT_THAT(streams[0].stages, ElementsAre(Stage::kPlan));
  EXPECT_EQ(streams[1].bound, ClaimBound::kCredit);
  EXPECT_THAT(streams[1].stages, ElementsAre(Stage::kScore, Stage::kEmbed));
  EXPECT_EQ(streams[2].bound, ClaimBound::kLeases);
  EXPECT_THAT(streams[2].stages, ElementsAre(kSplit, kJoin));
  EXPECT_EQ(streams[3].bound, ClaimBound::kInFlight);
  EXPECT_THAT(streams[3].stages, ElementsAre(kPart));
  EXPECT_EQ(streams[3].max_in_flight, 3);
}

// Behind what a parser reads stands one range for each of its processes, and the rest in the store.
TEST(ClaimStream, RangesOfPagesAreClaimedByTheParsersProcesses) {
  const auto in_flight = [](int workers) {
    return ClaimStreams(StageTable::BuiltIn(), {Stage::kArchiveParse}, workers).front().max_in_flight;
  };
  EXPECT_EQ(in_flight(1), 2);
  EXPECT_EQ(in_flight(3), 6);
  EXPECT_EQ(in_flight(1000), StageTable::BuiltIn().At(Stage::kArchiveParse).max_in_flight);
}

TEST(ClaimStream, NoStreamIsEmpty) {
  EXPECT_THAT(ClaimStreams(SteppedStages(), {}), IsEmpty());
  EXPECT_EQ(ClaimStreams(SteppedStages(), {kPart}).size(), 1u);
  EXPECT_EQ(ClaimStreams(SteppedStages(), {Stage::kPlan}).size(), 1u);
}

}  // namespace
}  // namespace sluice
