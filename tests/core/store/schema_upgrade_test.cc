// Today's release on yesterday's file.
#include <fstream>
#include <iterator>

#include "core/base/error_details.h"
#include "core/store/sqlite/schema.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/awaited_store.h"
#include "tests/contract/scratch_directory.h"
#include "tests/contract/stepped_kind.h"
#include "tests/core/store/store_file.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

std::string Golden(const std::string& name) {
  std::ifstream file("tests/golden/" + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class SchemaUpgradeTest : public testing::Test {
 protected:
  std::vector<Claimed> Claim(AwaitedStore& store, SessionId session) {
    return *store.Claim(
        {.session = session, .stages = {Stage::kPlan, Stage::kScore, Stage::kEmbed}, .max_claims = 10});
  }

  // Does all that is left to do; the answer names it in order.
  std::vector<std::string> RunAll(AwaitedStore& store, SessionId session) {
    std::vector<std::string> order;
    for (auto claims = Claim(store, session); !claims.empty(); claims = Claim(store, session)) {
      for (const Claimed& claim : claims) {
        EXPECT_GT(claim.fence, 40);
        const LeaseKey lease = claim.key();
        if (claim.stage == Stage::kPlan) {
          order.push_back("the plan");
          EXPECT_TRUE(store.CommitPlan(lease, "plan").ok());
          EXPECT_TRUE(store.ApplyPlan(lease, {}, {{0, 0}, {1, 1}}).ok());
          EXPECT_TRUE(store.FinishPlan(lease).ok());
        } else {
          order.push_back(claim.job_id);
          EXPECT_TRUE(store.Commit({{lease, {}}}).ok());
        }
      }
    }
    return order;
  }

  SimulatedClock clock_;
  ScratchDirectory directory_;
  const std::string path_ = directory_.File("batches.db");
};

// A file of schema 1 is brought up at open and its batches go on: outcomes, fences and request ids are kept,
// and what was in flight when it was written runs again, alone.
TEST_F(SchemaUpgradeTest, FileOfSchema1OpensAndItsBatchesEnd) {
  RunSql(path_, Golden("batches_schema_1.sql"));
  ASSERT_EQ(SqlInt(path_, "PRAGMA user_version"), 1);
  {
    const std::unique_ptr<EmbeddedStore> engine = *OpenSqliteBatchStore({.path = path_}, clock_);
    AwaitedStore store(*engine);
    NewBatch again;
    again.kind = JobKind::kEmbed;
    again.request_id = "yesterday";
    again.digest = "d";
    const Batch batch = *store.Create(again, {{"a", "payload a"}});
    EXPECT_EQ(batch.spec, "spec 1");
    EXPECT_EQ(batch.counts, (BatchCounts{.jobs = 4, .succeeded = 1}));
    EXPECT_EQ(store.Outcomes(batch.id)->at(0).result, "result a");

    const SessionId session = *store.Open();
    EXPECT_EQ(session, 8);
    EXPECT_THAT(RunAll(store, session), ElementsAre("b", "c", "the plan", "d", "e", "f"));
    const BatchPage page = *store.List(10);
    for (const Batch& ended : page.batches) EXPECT_EQ(ended.state, BatchState::kSucceeded);
  }
  EXPECT_EQ(SqlInt(path_, "PRAGMA user_version"), kSchemaVersion);
  CheckFile(path_, directory_.File("copy.db"));
}

// A file of schema 2 knows suspects: what died alone once and then again is given up, the other suspect still
// goes alone, and before all else.
TEST_F(SchemaUpgradeTest, FileOfSchema2KeepsItsSuspects) {
  RunSql(path_, Golden("batches_schema_2.sql"));
  ASSERT_EQ(SqlInt(path_, "PRAGMA user_version"), 2);
  {
    const std::unique_ptr<EmbeddedStore> engine = *OpenSqliteBatchStore({.path = path_}, clock_);
    AwaitedStore store(*engine);
    const SessionId session = *store.Open();
    EXPECT_EQ(session, 8);
    const std::vector<Claimed> alone = Claim(store, session);
    ASSERT_THAT(alone, SizeIs(1));
    EXPECT_EQ(alone[0].job_id, "c");
    ASSERT_TRUE(store.Return({alone[0].key()}).ok());
    EXPECT_THAT(RunAll(store, session), ElementsAre("c", "the plan", "d", "e", "f"));
    const std::vector<Outcome> outcomes = *store.Outcomes(alone[0].batch_id);
    EXPECT_EQ(outcomes.at(1).job_id, "b");
    EXPECT_EQ(outcomes.at(1).error_reason, "QUARANTINED");
    EXPECT_EQ(store.Get(alone[0].batch_id)->state, BatchState::kCompletedWithErrors);
  }
  EXPECT_EQ(SqlInt(path_, "PRAGMA user_version"), kSchemaVersion);
  CheckFile(path_, directory_.File("copy.db"));
}

// A file of schema 3 kept of a failure its reason only. What it was named by is its code from now on; where
// no release told another one, it is INTERNAL.
TEST_F(SchemaUpgradeTest, FileOfSchema3GetsTheCodesOfItsFailures) {
  using enum absl::StatusCode;
  RunSql(path_, Golden("batches_schema_3.sql"));
  ASSERT_EQ(SqlInt(path_, "PRAGMA user_version"), 3);
  {
    const std::unique_ptr<EmbeddedStore> engine = *OpenSqliteBatchStore({.path = path_}, clock_);
    AwaitedStore store(*engine);
    const std::vector<Batch> batches = store.List(10)->batches;
    ASSERT_THAT(batches, SizeIs(3));
    std::vector<absl::StatusCode> codes;
    const absl::StatusOr<std::vector<Outcome>> outcomes = store.Outcomes(batches[2].id);
    for (const Outcome& outcome : *outcomes) codes.push_back(outcome.error_code);
    EXPECT_THAT(codes, ElementsAre(kOk, kInvalidArgument, kFailedPrecondition, kAborted, kInternal, kDataLoss,
                                   kResourceExhausted, kInvalidArgument));
    EXPECT_EQ(store.Outcomes(batches[1].id)->at(0).error_code, kOk);
    EXPECT_THAT(RunAll(store, *store.Open()), ElementsAre("the plan", "j", "k"));
  }
  EXPECT_EQ(SqlInt(path_, "PRAGMA user_version"), kSchemaVersion);
  CheckFile(path_, directory_.File("copy.db"));
}

// A file of schema 4 had its plan tasks before the jobs; from now on they stand behind them. What was under
// way goes first and alone, what a purge had left behind is gone.
TEST_F(SchemaUpgradeTest, FileOfSchema4KeepsItsPlanTasks) {
  RunSql(path_, Golden("batches_schema_4.sql"));
  ASSERT_EQ(SqlInt(path_, "PRAGMA user_version"), 4);
  {
    const std::unique_ptr<EmbeddedStore> engine = *OpenSqliteBatchStore({.path = path_}, clock_);
    AwaitedStore store(*engine);
    const SessionId session = *store.Open();
    const std::vector<Claimed> alone = Claim(store, session);
    ASSERT_THAT(alone, SizeIs(1));
    EXPECT_EQ(alone[0].stage, Stage::kPlan);
    EXPECT_EQ(alone[0].slot, 2) << "where its two jobs end";
    EXPECT_EQ(store.ReadBatch(alone[0].batch_id)->plan, "plan");
    ASSERT_TRUE(store.Return({alone[0].key()}).ok());
    EXPECT_THAT(RunAll(store, session), ElementsAre("the plan", "the plan", "c", "d", "a", "b"));
    EXPECT_THAT(store.List(10)->batches, SizeIs(2));
  }
  EXPECT_EQ(SqlInt(path_, "PRAGMA user_version"), kSchemaVersion);
  CheckFile(path_, directory_.File("copy.db"));
}

// A stage is a row, not a schema: an older release is kept from a file that has work of one it does not know.
TEST_F(SchemaUpgradeTest, WorkOfAnUnknownStageOrKindIsRefused) {
  {
    const std::unique_ptr<EmbeddedStore> engine =
        *OpenSqliteBatchStore({.path = path_, .stages = &SteppedStages()}, clock_);
    ASSERT_TRUE(AwaitedStore(*engine).Create({.kind = kStepped}, {{"job", "payload"}}).ok());
  }
  const absl::Status older = OpenSqliteBatchStore({.path = path_}, clock_).status();
  EXPECT_EQ(older.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(older), "SCHEMA_TOO_NEW");
  EXPECT_THAT(older.message(), HasSubstr("has work of stage 101, which this release does not know"));
  RunSql(path_, "DELETE FROM ready");
  EXPECT_THAT(OpenSqliteBatchStore({.path = path_}, clock_).status().message(), HasSubstr("of kind 100"));
  EXPECT_TRUE(OpenSqliteBatchStore({.path = path_, .stages = &SteppedStages()}, clock_).ok());
}

}  // namespace
}  // namespace sluice
