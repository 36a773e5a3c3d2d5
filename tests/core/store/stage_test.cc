#include "core/store/stage.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/stepped_kind.h"

namespace sluice {
namespace {

// Files hold them: whoever changes one makes data directories unreadable.
TEST(StageTable, NumbersThatAreStoredStayWhatTheyAre) {
  EXPECT_EQ(static_cast<int>(JobKind::kScreen), 1);
  EXPECT_EQ(static_cast<int>(JobKind::kEmbed), 2);
  EXPECT_EQ(static_cast<int>(JobKind::kArchive), 3);
  EXPECT_EQ(static_cast<int>(Stage::kPlan), 1);
  EXPECT_EQ(static_cast<int>(Stage::kScore), 2);
  EXPECT_EQ(static_cast<int>(Stage::kEmbed), 3);
  EXPECT_EQ(static_cast<int>(Stage::kArchiveSplit), 4);
  EXPECT_EQ(static_cast<int>(Stage::kArchiveParse), 5);
  EXPECT_EQ(static_cast<int>(Stage::kArchiveAssemble), 6);
}

TEST(StageTable, RowsOfBothTablesFitTogether) {
  for (const StageTable* table : {&StageTable::BuiltIn(), &SteppedStages()}) {
    std::set<Stage> ids;
    std::set<std::string> names;
    for (const StageRow& row : table->stages()) {
      EXPECT_TRUE(ids.insert(row.id).second) << row.name;
      EXPECT_TRUE(names.insert(row.name).second) << row.name;
      EXPECT_NE(table->Find(row.kind), nullptr) << row.name;
      EXPECT_GE(row.attempts, 1) << row.name;
      EXPECT_GT(row.longest_attempt, absl::ZeroDuration()) << row.name;
      EXPECT_EQ(row.cost == CostUnit::kRequests, row.max_in_flight > 0) << row.name;
      EXPECT_EQ(table->Find(row.id), &row);
    }
    for (const KindRow& row : table->kinds()) {
      ASSERT_NE(table->Find(row.first), nullptr) << row.name;
      EXPECT_EQ(table->FirstOf(row.kind).kind, row.kind) << row.name;
      EXPECT_NE(table->FirstOf(row.kind).scope, StageScope::kTask) << row.name;
    }
  }
}

TEST(StageTable, AKindHasStepsWhereItsJobsCanGoOn) {
  EXPECT_FALSE(SteppedStages().HasSteps(JobKind::kScreen));
  EXPECT_FALSE(SteppedStages().HasSteps(JobKind::kEmbed));
  EXPECT_TRUE(SteppedStages().HasSteps(JobKind::kArchive));
  EXPECT_TRUE(SteppedStages().HasSteps(kStepped));
}

TEST(StageTable, NamesAreThoseOfTheTable) {
  EXPECT_STREQ(JobKindName(JobKind::kEmbed), "embed");
  EXPECT_STREQ(StageName(Stage::kPlan), "screen_plan");
  EXPECT_STREQ(JobKindName(kStepped), "unknown");
  EXPECT_STREQ(StageName(kSplit), "unknown");
}

TEST(StageTable, LaterRowsAreFurtherOn) {
  EXPECT_LT(SteppedStages().OrderOf(kSplit), SteppedStages().OrderOf(kPart));
  EXPECT_LT(SteppedStages().OrderOf(kPart), SteppedStages().OrderOf(kJoin));
}

}  // namespace
}  // namespace sluice
