// What the store promised when the power went: after a cut before any write or sync, with what was not synced
// dropped, torn and reordered, everything that was acknowledged is there. Killing a process does not show
// this.
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "tests/contract/awaited_store.h"
#include "tests/contract/scratch_directory.h"
#include "tests/contract/stepped_kind.h"
#include "tests/contract/store_invariants.h"
#include "tests/core/store/store_file.h"
#include "tests/core/store/unsynced_disk.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

int CutsToTry() {
  if (const char* cuts = std::getenv("SLUICE_POWER_CUTS")) return std::atoi(cuts);
#if defined(__SANITIZE_THREAD__)
  return 20;  // each cut meets the same threads
#elif defined(__SANITIZE_ADDRESS__)
  return 60;
#else
  return 300;
#endif
}

// Seeded calls, each told to the invariants once it was answered; ends at the first failure.
class Work {
 public:
  Work(BatchStore& store, StoreInvariants& invariants, unsigned seed)
      : store_(store), invariants_(invariants), random_(seed) {}

  absl::Status Run() {
    SLUICE_ASSIGN_OR_RETURN(session_, store_.Open());
    for (int step = 0; step < kSteps; ++step) SLUICE_RETURN_IF_ERROR(Step());
    return absl::OkStatus();
  }

 private:
  static constexpr int kSteps = 24;

  int Pick(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }

  absl::Status Step() {
    const int dice = Pick(10);
    if (dice < 2 || batches_.empty()) return Create();
    if (dice < 3) return Upload();
    if (dice < 6) return ClaimAndPlan();
    if (dice < 9) return CommitSome();
    return Cancel();
  }

  std::vector<NewJob> Jobs() {
    std::vector<NewJob> jobs;
    const int count = 1 + Pick(6);
    for (int i = 0; i < count; ++i)
      jobs.push_back({absl::StrCat("job", i), std::string(static_cast<size_t>(Pick(9000)), 'x')});
    return jobs;
  }

  void Created(const Batch& batch) {
    invariants_.Created(batch, "");
    batches_.push_back(batch.id);
  }

  absl::Status Create() {
    NewBatch batch;
    const JobKind kinds[] = {JobKind::kScreen, JobKind::kEmbed, kStepped};
    batch.kind = kinds[Pick(3)];
    SLUICE_ASSIGN_OR_RETURN(const Batch created, store_.Create(batch, Jobs()));
    Created(created);
    return absl::OkStatus();
  }

  absl::Status Upload() {
    NewBatch batch;
    batch.kind = JobKind::kEmbed;
    SLUICE_ASSIGN_OR_RETURN(const Batch begun, store_.Begin(batch));
    SLUICE_RETURN_IF_ERROR(store_.Append(begun.id, Jobs()));
    SLUICE_ASSIGN_OR_RETURN(const Batch sealed, store_.Seal(begun.id));
    Created(sealed);
    return absl::OkStatus();
  }

  absl::Status ClaimAndPlan() {
    SLUICE_ASSIGN_OR_RETURN(
        const std::vector<Claimed> claims,
        store_.Claim({.session = session_,
                      .stages = {Stage::kPlan, Stage::kScore, Stage::kEmbed, kSplit, kPart, kJoin},
                      .max_claims = 1 + Pick(6)}));
    invariants_.Claimed(claims);
    for (const Claimed& claim : claims) {
      if (claim.stage == Stage::kPlan) {
        SLUICE_RETURN_IF_ERROR(Plan(claim.key()));
      } else {
        claims_.push_back(claim);
      }
    }
    return absl::OkStatus();
  }

  absl::Status Plan(const LeaseKey& task) {
    SLUICE_RETURN_IF_ERROR(store_.CommitPlan(task, "plan").status());
    SLUICE_ASSIGN_OR_RETURN(const std::vector<StoredJob> jobs, store_.Jobs(task.batch_id));
    std::vector<PlannedJob> survivors;
    for (const StoredJob& job : jobs) survivors.push_back({job.index, Pick(9)});
    SLUICE_RETURN_IF_ERROR(store_.ApplyPlan(task, {}, survivors));
    return store_.FinishPlan(task);
  }

  absl::Status CommitSome() {
    std::vector<LeasedStep> steps;
    for (int i = Pick(4); i >= 0 && !claims_.empty(); --i) {
      const Claimed claim = claims_.back();
      claims_.pop_back();
      LeasedStep leased{.lease = claim.key(), .step = {}};
      const std::string made =
          absl::StrCat("result ", claim.fence, std::string(static_cast<size_t>(Pick(3000)), 'r'));
      if (claim.stage == kSplit && Pick(3) > 0) {
        leased.step = SplitInto(1 + Pick(3), made);
      } else if (claim.stage == kSplit) {
        leased.step = Advance{.next = kJoin, .artifact = made};
      } else {
        OutcomeIn(leased).result = made;
      }
      steps.push_back(leased);
    }
    if (steps.empty()) return absl::OkStatus();
    SLUICE_ASSIGN_OR_RETURN(const std::vector<CommitResult> results, store_.Commit(steps));
    for (size_t i = 0; i < results.size(); ++i) invariants_.Committed(steps[i], results[i]);
    return absl::OkStatus();
  }

  absl::Status Cancel() {
    const std::string& id = batches_[static_cast<size_t>(Pick(static_cast<int>(batches_.size())))];
    SLUICE_RETURN_IF_ERROR(store_.Cancel(id).status());
    invariants_.Cancelled(id);
    return absl::OkStatus();
  }

  AwaitedStore store_;
  StoreInvariants& invariants_;
  std::mt19937 random_;
  SessionId session_ = 0;
  std::vector<std::string> batches_;
  std::vector<Claimed> claims_;
};

class PowerLoss : public testing::Test {
 protected:
  static constexpr int kMaxAttempts = 25;
  const StageTable stages_ = SteppedStagesWith(kMaxAttempts);

  absl::StatusOr<std::unique_ptr<EmbeddedStore>> Open() {
    return OpenSqliteBatchStore({.path = path_, .stages = &stages_}, clock_);
  }

  void WorkOn(BatchStore& store, unsigned seed) { last_ = Work(store, *invariants_, seed).Run(); }

  // Opening may itself meet the cut.
  void OpenAndWork(unsigned seed) {
    const absl::StatusOr<std::unique_ptr<EmbeddedStore>> store = Open();
    last_ = store.status();
    if (store.ok()) WorkOn(**store, seed);
  }

  // What a restart finds, in real files.
  void Recover() {
    {
      const absl::StatusOr<std::unique_ptr<EmbeddedStore>> store = Open();
      ASSERT_TRUE(store.ok()) << store.status();
      AwaitedStore awaited(**store);
      invariants_->Check(awaited);
    }
    CheckFile(path_, directory_.File("check.db"));  // not beside the store, which may be purging
  }

  void Forget() {
    for (const char* suffix : {"", "-wal", "-journal", ".ended"}) std::filesystem::remove(path_ + suffix);
  }

  int64_t OperationsOfAWholeRun(unsigned seed) {
    UnsyncedDisk disk;
    OpenAndWork(seed);
    invariants_.emplace(kMaxAttempts);
    return disk.operations();
  }

  SimulatedClock clock_;
  ScratchDirectory directory_;
  const std::string path_ = directory_.File("batches.db");
  std::optional<StoreInvariants> invariants_{kMaxAttempts};
  absl::Status last_;
};

// Replays one case: SLUICE_POWER_SEED=n.
unsigned FirstSeed() {
  const char* seed = std::getenv("SLUICE_POWER_SEED");
  return seed == nullptr ? 1 : static_cast<unsigned>(std::atoi(seed));
}

class PowerLossSeeds : public PowerLoss {
 protected:
  // Runs until the cut and gives back what the disk held.
  void CutOnce(unsigned seed, int64_t operations) {
    invariants_.emplace(kMaxAttempts);
    {
      UnsyncedDisk disk;
      disk.CutBefore(1 + static_cast<int64_t>(std::mt19937(seed)() % static_cast<unsigned>(operations)),
                     seed);
      OpenAndWork(seed % kWorkloads);
      cuts_ += disk.struck();
      disk.Save();
    }
  }
  std::vector<int64_t> OperationsOfEachWorkload() {
    std::vector<int64_t> operations;
    for (unsigned seed = 0; seed < kWorkloads; ++seed) operations.push_back(OperationsOfAWholeRun(seed));
    return operations;
  }

  static constexpr unsigned kWorkloads = 16;
  int cuts_ = 0;
};

TEST_F(PowerLossSeeds, NothingAcknowledgedIsLost) {
  const std::vector<int64_t> operations = OperationsOfEachWorkload();
  const unsigned first = FirstSeed();
  const unsigned end = first + static_cast<unsigned>(std::getenv("SLUICE_POWER_SEED") ? 1 : CutsToTry());
  for (unsigned seed = first; seed < end && !HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("replay with SLUICE_POWER_SEED=", seed));
    CutOnce(seed, operations[seed % kWorkloads]);
    Recover();
    Forget();
  }
  EXPECT_GT(cuts_, 0);
}

// The file's own creation is a commit like any other: whatever a cut leaves of it, the next start takes it.
TEST_F(PowerLossSeeds, ACutDuringCreationLeavesAFileThatOpens) {
  int64_t operations = 0;
  {
    UnsyncedDisk disk;
    ASSERT_TRUE(Open().ok());
    operations = disk.operations();
  }
  Forget();
  for (int64_t cut = 1; cut <= operations && !HasFailure(); ++cut) {
    for (unsigned seed = 1; seed <= 2; ++seed) {
      SCOPED_TRACE(absl::StrCat("before operation ", cut, ", seed ", seed));
      {
        UnsyncedDisk disk;
        disk.CutBefore(cut, seed);
        Open().status().IgnoreError();
        disk.Save();
      }
      Recover();
      Forget();
    }
  }
}

// SQLite lets a connection be set to NORMAL before the store sets FULL, and then ignores the store.
int SetNormal(sqlite3* connection, char**, const sqlite3_api_routines*) {
  sqlite3_exec(connection, "PRAGMA synchronous = NORMAL", nullptr, nullptr, nullptr);
  sqlite3_set_authorizer(
      connection,
      [](void*, int action, const char* name, const char*, const char*, const char*) {
        return action == SQLITE_PRAGMA && sqlite3_stricmp(name, "synchronous") == 0 ? SQLITE_IGNORE
                                                                                    : SQLITE_OK;
      },
      nullptr);
  return SQLITE_OK;
}

// The proof that the test above bites: with synchronous=NORMAL, which many servers run with, an acknowledged
// batch or outcome is gone after some of the cuts.
TEST_F(PowerLossSeeds, NormalWouldLoseWhatWasAcknowledged) {
  const auto hook = reinterpret_cast<void (*)()>(SetNormal);
  ASSERT_EQ(sqlite3_auto_extension(hook), SQLITE_OK);
  const std::vector<int64_t> operations = OperationsOfEachWorkload();
  int losses = 0;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    CutOnce(seed, operations[seed % kWorkloads]);
    testing::TestPartResultArray found;
    {
      testing::ScopedFakeTestPartResultReporter reporter(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &found);
      Recover();
    }
    losses += found.size() > 0;
    Forget();
  }
  sqlite3_cancel_auto_extension(hook);
  EXPECT_GT(losses, 0);
}

// After a failed fsync the kernel may have dropped what it held, and a second fsync would say all is well. So
// nothing is acknowledged any more, and what was acknowledged before is there after a restart.
TEST_F(PowerLoss, AfterAFailedSyncNothingIsAcknowledged) {
  int struck = 0;
  for (int64_t sync = 1; sync <= 60 && struck == sync - 1 && !HasFailure(); ++sync) {
    SCOPED_TRACE(absl::StrCat("sync ", sync));
    invariants_.emplace(kMaxAttempts);
    {
      UnsyncedDisk disk;
      {
        const absl::StatusOr<std::unique_ptr<EmbeddedStore>> store = Open();
        ASSERT_TRUE(store.ok()) << store.status();
        disk.FailSync(disk.syncs() + sync);
        WorkOn(**store, 7);
        struck += disk.struck();
        if (disk.struck()) {
          EXPECT_EQ(last_.code(), absl::StatusCode::kUnavailable) << last_;
          EXPECT_EQ(ReasonOf(last_), "STORE_FAILED") << last_;
          const absl::Status later = AwaitedStore(**store).Create({}, {{"job", "payload"}}).status();
          EXPECT_EQ(ReasonOf(later), "STORE_FAILED") << later;
        }
        disk.CutBefore(disk.operations() + 1, static_cast<unsigned>(sync));
      }
      disk.Save();
    }
    Recover();
    Forget();
  }
  EXPECT_GT(struck, 0);
}

// A store that fails ends its process and kills nobody: a job that was in flight then, the only one and again
// and again, runs on as if nothing had happened.
TEST_F(PowerLoss, AStoreThatFailsBlamesNoJob) {
  UnsyncedDisk disk;
  for (int failures = 0; failures <= 3; ++failures) {
    const absl::StatusOr<std::unique_ptr<EmbeddedStore>> engine = Open();
    ASSERT_TRUE(engine.ok()) << engine.status();
    AwaitedStore store(**engine);
    NewBatch batch;
    batch.kind = JobKind::kEmbed;
    if (failures == 0) {
      ASSERT_TRUE(store.Create(batch, {{"innocent", "payload"}}).ok());
    }
    const SessionId session = *store.Open();
    const auto claims = store.Claim({.session = session, .stages = {Stage::kEmbed}, .max_claims = 9});
    ASSERT_EQ(claims->size(), 1u) << "after " << failures << " failures";
    EXPECT_EQ(claims->at(0).attempt, 1);
    clock_.Advance(absl::Seconds(1));  // so that there is something to write
    disk.FailSync(disk.syncs() + 1);
    EXPECT_EQ(ReasonOf(store.Heartbeat(session).status()), "STORE_FAILED");
  }
}

// A full disk refuses what it meets, keeps what was acknowledged, and heals.
TEST_F(PowerLoss, AFullDiskRefusesAndHeals) {
  int refused = 0;
  for (int64_t write = 1; write <= 40 && !HasFailure(); ++write) {
    SCOPED_TRACE(absl::StrCat("write ", write));
    invariants_.emplace(kMaxAttempts);
    UnsyncedDisk disk;
    const absl::StatusOr<std::unique_ptr<EmbeddedStore>> store = Open();
    ASSERT_TRUE(store.ok()) << store.status();
    disk.FillBefore(disk.operations() + write);
    WorkOn(**store, 7);
    if (!disk.struck()) break;
    if (!last_.ok()) {
      ++refused;
      EXPECT_EQ(ReasonOf(last_), "DISK_FULL") << last_;
    }
    AwaitedStore awaited(**store);
    EXPECT_TRUE(awaited.Create({.kind = JobKind::kEmbed}, {{"job", "payload"}}).ok());
    invariants_->Check(awaited);
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace sluice
