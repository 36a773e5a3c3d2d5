// What only the SQLite engine has: a file, its lock, its schema, a full disk, a crash.
#include "core/store/sqlite/sqlite_batch_store.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/notification.h"
#include "core/base/thread.h"
#include "core/store/sqlite/directory_sync.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/awaited_store.h"
#include "tests/contract/scratch_directory.h"
#include "tests/contract/stepped_kind.h"
#include "tests/contract/store_invariants.h"
#include "tests/core/store/store_file.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SqliteBatchStoreTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<EmbeddedStore>> Open(SqliteBatchStoreOptions options = {}) {
    if (options.path.empty()) options.path = path_;
    return OpenSqliteBatchStore(options, clock_);
  }

  static std::vector<NewJob> Jobs(int count, size_t bytes = 10) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < count; ++i) jobs.push_back({absl::StrCat("job", i), std::string(bytes, 'x')});
    return jobs;
  }
  static NewBatch Embed() {
    NewBatch batch;
    batch.kind = JobKind::kEmbed;
    return batch;
  }
  static ClaimRequest Claims(SessionId session, int max_claims = 100) {
    return {
        .session = session, .stages = {Stage::kPlan, Stage::kScore, Stage::kEmbed}, .max_claims = max_claims};
  }

  SimulatedClock clock_;
  ScratchDirectory directory_;
  const std::string path_ = directory_.File("batches.db");
  const std::string copy_ = directory_.File("copy.db");
};

TEST_F(SqliteBatchStoreTest, SecondOpenIsRefusedWhileTheFirstLives) {
  std::unique_ptr<EmbeddedStore> first = *Open();
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "DATA_DIRECTORY_IN_USE");
  first.reset();
  EXPECT_TRUE(Open().ok());
}

TEST_F(SqliteBatchStoreTest, MissingDirectoryIsUnavailable) {
  SqliteBatchStoreOptions options;
  options.path = directory_.File("absent/batches.db");
  const absl::Status status = Open(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), "DATA_UNUSABLE");
  EXPECT_EQ(status.message(), absl::StrCat("cannot open ", options.path, ": No such file or directory"));
}

TEST_F(SqliteBatchStoreTest, DirectoriesThatCannotBeMadeAreNamedWithTheCause) {
  EXPECT_TRUE(MakeDirectory(directory_.File("a/b/c")).ok());
  std::ofstream(directory_.File("file")) << "file";
  const absl::Status below = MakeDirectory(directory_.File("file/data"));
  EXPECT_EQ(ReasonOf(below), "DATA_UNUSABLE");
  EXPECT_EQ(below.message(),
            absl::StrCat("cannot use the directory ", directory_.File("file"), ": Not a directory"));
  std::filesystem::create_symlink(directory_.File("absent/x"), directory_.File("link"));
  EXPECT_EQ(ReasonOf(MakeDirectory(directory_.File("link"))), "DATA_UNUSABLE");
}

TEST_F(SqliteBatchStoreTest, OptionsOutOfRangeAreInvalid) {
  EXPECT_EQ(Open({.max_deaths_alone = 0}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Open({.max_waiting_calls = 0}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SqliteBatchStoreTest, NewerSchemaIsRefusedAndLeftAlone) {
  ASSERT_TRUE(Open().ok());
  RunSql(path_, "PRAGMA user_version = 99");
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "SCHEMA_TOO_NEW");
  EXPECT_EQ(SqlInt(path_, "PRAGMA user_version"), 99);
}

TEST_F(SqliteBatchStoreTest, AnotherProjectsDatabaseIsRefusedAndLeftAlone) {
  RunSql(path_, "CREATE TABLE diary (entry TEXT); PRAGMA application_id = 4711");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(SqlInt(path_, "PRAGMA application_id"), 4711);
  EXPECT_EQ(SqlInt(path_, "SELECT count(*) FROM sqlite_master"), 1);
}

TEST_F(SqliteBatchStoreTest, DatabaseWithoutAnOwnerIsRefusedToo) {
  RunSql(path_, "CREATE TABLE diary (entry TEXT)");
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SqliteBatchStoreTest, FileThatIsNoDatabaseIsRefusedAndLeftAlone) {
  std::ofstream(path_) << "Dear diary, today I was not a database.";
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(FileHolds(path_, "Dear diary"));
}

TEST_F(SqliteBatchStoreTest, DamagedFileIsDataLoss) {
  {
    const std::unique_ptr<EmbeddedStore> store = *Open();
    AwaitedStore awaited(*store);
    ASSERT_TRUE(awaited.Create(Embed(), Jobs(50, 1000)).ok());
  }
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(100);
    file << std::string(3000, '\x5a');
  }
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kDataLoss);
}

// Nor is one waited for, as a FIFO's reader would.
TEST_F(SqliteBatchStoreTest, WhatIsNoFileIsNamed) {
  const auto refused_as = [&](const std::string& what) {
    const absl::Status status = Open().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(ReasonOf(status), "DATA_UNUSABLE") << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
  };
  std::filesystem::create_directory(path_);
  refused_as(path_ + " is a directory, not a file");
  std::filesystem::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  refused_as(path_ + " is a FIFO, not a file");
  std::filesystem::remove(path_);
  std::filesystem::create_symlink("/dev/null", path_);
  refused_as(path_ + " is a device, not a file");
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(path_, path_);
  refused_as("cannot open " + path_ + ": Too many levels of symbolic links");
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_ + "-wal");
  refused_as(path_ + "-wal is a directory, not a file");
}

TEST_F(SqliteBatchStoreTest, EverythingSurvivesAnOrderlyRestart) {
  std::string id;
  SessionId session = 0;
  Fence fence = 0;
  {
    const std::unique_ptr<EmbeddedStore> store = *Open();
    AwaitedStore awaited(*store);
    NewBatch batch = Embed();
    batch.spec = "spec";
    batch.request_id = "r";
    id = awaited.Create(batch, Jobs(3))->id;
    session = *awaited.Open();
    const Claimed claim = awaited.Claim(Claims(session, 1))->at(0);
    fence = claim.fence;
    LeasedStep ended{.lease = claim.key(), .step = {}};
    OutcomeIn(ended).result = "kept";
    ASSERT_TRUE(awaited.Commit({ended}).ok());
  }
  const std::unique_ptr<EmbeddedStore> store = *Open();
  AwaitedStore awaited(*store);
  const Batch batch = *awaited.Get(id);
  EXPECT_EQ(batch.state, BatchState::kRunning);
  EXPECT_EQ(batch.spec, "spec");
  EXPECT_EQ(batch.counts, (BatchCounts{.jobs = 3, .succeeded = 1}));
  EXPECT_EQ(awaited.Outcomes(id)->at(0).result, "kept");
  NewBatch again = Embed();
  again.request_id = "r";
  EXPECT_EQ(awaited.Create(again, Jobs(3))->id, id);
  EXPECT_EQ(ReasonOf(awaited.Heartbeat(session).status()), "SESSION_DEAD");
  const SessionId next = *awaited.Open();
  EXPECT_GT(next, session);
  EXPECT_GT(awaited.Claim(Claims(next, 1))->at(0).fence, fence);
}

// A copy of the files, taken while the store is at work, is what kill -9 leaves.
TEST_F(SqliteBatchStoreTest, LeasesOfAKilledProcessGoBackToReadyAsSuspects) {
  const std::unique_ptr<EmbeddedStore> killed = *Open();
  AwaitedStore before(*killed);
  const std::string id = before.Create(Embed(), Jobs(4))->id;
  const std::vector<Claimed> claims = *before.Claim(Claims(*before.Open(), 2));
  ASSERT_THAT(claims, SizeIs(2));
  CopyStoreFile(path_, copy_);

  const std::unique_ptr<EmbeddedStore> store = *Open({.path = copy_});
  AwaitedStore after(*store);
  EXPECT_EQ(after.Commit({{{id, 0, claims[0].fence}, {}}})->at(0), CommitResult::kFenced);
  const std::vector<Claimed> again = *after.Claim(Claims(*after.Open()));
  ASSERT_THAT(again, SizeIs(1)) << "a suspect runs alone";
  EXPECT_EQ(again[0].job_index, 0);
  EXPECT_GT(again[0].fence, claims[1].fence);
}

// A piece at a time, while calls are answered already; a death in between changes nothing.
TEST_F(SqliteBatchStoreTest, UploadLeftByAKilledProcessIsRemovedFromTheFile) {
  const std::unique_ptr<EmbeddedStore> killed = *Open();
  AwaitedStore before(*killed);
  const Batch upload = *before.Begin(Embed());
  ASSERT_TRUE(before.Append(upload.id, Jobs(5000, 3000)).ok());
  CopyStoreFile(path_, copy_);
  const std::string again = directory_.File("again.db");
  int64_t left = 0;
  {
    ManualExecutor turns;
    const std::unique_ptr<EmbeddedStore> restarted = *Open({.path = copy_, .executor = &turns});
    bool answered = false;
    restarted->Stats([&](const absl::StatusOr<StoreStats>& stats) { answered = stats.ok(); });
    ASSERT_TRUE(turns.RunOne());
    EXPECT_TRUE(answered) << "before all is removed";
    CopyStoreFile(copy_, again);
    left = SqlInt(again, "SELECT count(*) FROM job");
    EXPECT_GT(left, 0);
    EXPECT_LT(left, 5000);
    turns.RunAll();
  }
  EXPECT_EQ(SqlInt(copy_, "SELECT count(*) FROM job"), 0);
  {  // what a death in between left
    ManualExecutor turns;
    const std::unique_ptr<EmbeddedStore> restarted = *Open({.path = again, .executor = &turns});
    restarted->Stats([](const absl::StatusOr<StoreStats>&) {});
    turns.RunAll();
  }
  EXPECT_EQ(SqlInt(again, "SELECT count(*) FROM batch") + SqlInt(again, "SELECT count(*) FROM job"), 0);
}

TEST_F(SqliteBatchStoreTest, DeletedPayloadsAreNowhereInTheFile) {
  const std::unique_ptr<EmbeddedStore> store = *Open();
  AwaitedStore awaited(*store);
  NewBatch batch = Embed();
  batch.spec = "SECRET-SPEC";
  std::vector<NewJob> jobs = Jobs(3000, 700);
  for (NewJob& job : jobs) job.payload += "SECRET-PAYLOAD";
  const std::string kept = awaited.Create(Embed(), {{"kept", "KEPT-PAYLOAD"}})->id;
  const std::string id = awaited.Create(batch, jobs)->id;
  const SessionId session = *awaited.Open();
  const std::vector<Claimed> claims = *awaited.Claim(Claims(session, 10));
  for (const Claimed& claim : claims) {
    LeasedStep ended{.lease = claim.key(), .step = {}};
    OutcomeIn(ended).result = "SECRET-RESULT";
    ASSERT_TRUE(awaited.Commit({ended}).ok());
  }
  ASSERT_TRUE(awaited.Cancel(id).ok());
  for (const char* secret : {"SECRET-SPEC", "SECRET-PAYLOAD", "SECRET-RESULT"})
    EXPECT_TRUE(FileHolds(path_, secret));
  const int64_t bytes_before = awaited.Stats()->file_bytes;
  ASSERT_TRUE(awaited.Delete(id).ok());
  for (const char* secret : {"SECRET-SPEC", "SECRET-PAYLOAD", "job2999"})
    EXPECT_FALSE(FileHolds(path_, secret)) << secret;
  EXPECT_TRUE(FileHolds(path_, "KEPT-PAYLOAD"));
  EXPECT_LT(awaited.Stats()->file_bytes, bytes_before / 4);
  EXPECT_TRUE(awaited.Get(kept).ok());
}

// A purge that a crash cut short goes on at the next open.
TEST_F(SqliteBatchStoreTest, InterruptedPurgeIsFinishedAfterARestart) {
  std::string id;
  {
    const std::unique_ptr<EmbeddedStore> store = *Open();
    AwaitedStore awaited(*store);
    id = awaited.Create(Embed(), Jobs(5))->id;
    ASSERT_TRUE(awaited.Cancel(id).ok());
  }
  RunSql(path_, "UPDATE batch SET state = 10");
  {
    const std::unique_ptr<EmbeddedStore> store = *Open();
    AwaitedStore awaited(*store);
    EXPECT_EQ(awaited.Get(id).status().code(), absl::StatusCode::kNotFound);
    // A purge of one's own is answered after those that came before it.
    const std::string other = awaited.Create(Embed(), Jobs(1))->id;
    ASSERT_TRUE(awaited.Cancel(other).ok());
    ASSERT_TRUE(awaited.Delete(other).ok());
  }
  EXPECT_EQ(SqlInt(path_, "SELECT count(*) FROM batch") + SqlInt(path_, "SELECT count(*) FROM job"), 0);
}

// Full: the call fails as a whole and says why; what was there works on; freed space heals it.
TEST_F(SqliteBatchStoreTest, FullDiskRefusesAndHeals) {
  const std::unique_ptr<EmbeddedStore> store = *Open({.max_page_count = 200});
  AwaitedStore awaited(*store);
  const std::string first = awaited.Create(Embed(), Jobs(100, 2000))->id;
  const absl::Status full = awaited.Create(Embed(), Jobs(1000, 2000)).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(full), "DISK_FULL");
  EXPECT_THAT(awaited.List(10)->batches, SizeIs(1));
  const absl::StatusOr<std::vector<Claimed>> claims = awaited.Claim(Claims(*awaited.Open(), 1));
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ(awaited.Commit({{{first, 0, claims->at(0).fence}, {}}})->at(0), CommitResult::kCommitted);
  ASSERT_TRUE(awaited.Cancel(first).ok());
  ASSERT_TRUE(awaited.Delete(first).ok());
  EXPECT_TRUE(awaited.Create(Embed(), Jobs(100, 2000)).ok());
  CheckFile(path_, copy_);
}

TEST_F(SqliteBatchStoreTest, TooManyWaitingCallsAreRefusedInline) {
  const std::unique_ptr<EmbeddedStore> store = *Open({.max_waiting_calls = 2});
  // The store's thread is held inside the first answer, so that what follows waits.
  Notification held;
  Notification release;
  store->Stats([&](const absl::StatusOr<StoreStats>&) {
    held.Notify();
    release.Wait();
  });
  held.Wait();
  std::vector<absl::Status> answers;
  Notification last;
  store->Stats([](const absl::StatusOr<StoreStats>&) {});
  store->Stats([&](const absl::StatusOr<StoreStats>&) { last.Notify(); });
  absl::Status refused;
  store->Stats([&](const absl::StatusOr<StoreStats>& stats) { refused = stats.status(); });
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "STORE_BUSY");
  release.Notify();
  last.Wait();
}

// Accepted calls are run, not dropped, when the store closes.
TEST_F(SqliteBatchStoreTest, ClosingAnswersWhatWasAccepted) {
  int created = 0;
  {
    const std::unique_ptr<EmbeddedStore> store = *Open();
    for (int i = 0; i < 50; ++i) {
      store->CreateBatch(Embed(), Jobs(1),
                         [&](const absl::StatusOr<Batch>& batch) { created += batch.ok(); });
    }
  }
  EXPECT_EQ(created, 50);
  const std::unique_ptr<EmbeddedStore> store = *Open();
  EXPECT_THAT(AwaitedStore(*store).List(100)->batches, SizeIs(50));
}

// A backup of a store at work, restored into an empty directory: whole, with all that was acknowledged before
// it was asked for, and the batch in it goes on to its end.
TEST_F(SqliteBatchStoreTest, BackupInTheMiddleOfABatchIsRestoredAndGoesOn) {
  std::string id;
  {
    ManualExecutor disk;
    const std::unique_ptr<EmbeddedStore> store = *Open({.backup_executor = &disk});
    AwaitedStore awaited(*store);
    id = awaited.Create(Embed(), Jobs(2000, 3000))->id;
    const SessionId session = *awaited.Open();
    const auto commit = [&](const Claimed& claim) { return awaited.Commit({{claim.key(), {}}}); };
    const std::vector<Claimed> before = *awaited.Claim(Claims(session, 20));
    for (const Claimed& claim : before) ASSERT_TRUE(commit(claim).ok());
    const std::vector<Claimed> in_flight = *awaited.Claim(Claims(session, 500));
    Notification copied;
    absl::Status backup;
    store->Backup(copy_, [&](absl::Status status) {
      backup = std::move(status);
      copied.Notify();
    });
    size_t meanwhile = 0;
    while (disk.size() == 0 || meanwhile == 0) {
      const bool more = meanwhile < in_flight.size();
      ASSERT_TRUE((more ? commit(in_flight[meanwhile++]).status() : awaited.Stats().status()).ok());
    }
    EXPECT_FALSE(copied.HasBeenNotified());
    disk.RunAll();
    copied.Wait();
    ASSERT_TRUE(backup.ok()) << backup;
    const absl::Status again = AwaitStore<void>([&](auto done) { store->Backup(copy_, std::move(done)); });
    EXPECT_EQ(again.code(), absl::StatusCode::kAlreadyExists);
  }
  CheckFile(copy_, directory_.File("check.db"));
  EXPECT_GT(SqlInt(copy_, "SELECT count(*) FROM lease"), 0);
  EXPECT_FALSE(std::filesystem::exists(copy_ + "-wal")) << "the copy is one file";
  const std::unique_ptr<EmbeddedStore> restored = *Open({.path = copy_});
  AwaitedStore awaited(*restored);
  EXPECT_GE(awaited.Get(id)->counts.succeeded, 20);
  const SessionId session = *awaited.Open();
  const std::vector<Claimed> first = *awaited.Claim(Claims(session, 2));
  ASSERT_THAT(first, SizeIs(2)) << "no death is behind a backup: nothing runs alone";
  for (const Claimed& claim : first) EXPECT_EQ(claim.attempt, 1);
  std::vector<LeaseKey> keys;
  for (const Claimed& claim : first) keys.push_back(claim.key());
  ASSERT_TRUE(awaited.Return(keys).ok());
  for (auto claims = awaited.Claim(Claims(session)); !claims->empty();
       claims = awaited.Claim(Claims(session))) {
    std::vector<LeasedStep> outcomes;
    for (const Claimed& claim : *claims) outcomes.push_back({claim.key(), {}});
    ASSERT_TRUE(awaited.Commit(outcomes).ok());
  }
  EXPECT_EQ(awaited.Get(id)->state, BatchState::kSucceeded);
}

// To sync a whole copy may take the disk minutes: calls are answered meanwhile, and the copy has no name yet.
TEST_F(SqliteBatchStoreTest, CallsAreAnsweredWhileABackupIsSynced) {
  ManualExecutor disk;
  const std::unique_ptr<EmbeddedStore> store = *Open({.backup_executor = &disk});
  AwaitedStore awaited(*store);
  const std::string id = awaited.Create(Embed(), Jobs(200, 3000))->id;
  Notification done;
  absl::Status backup;
  store->Backup(copy_, [&](absl::Status status) {
    backup = std::move(status);
    done.Notify();
  });
  while (disk.size() == 0) ASSERT_TRUE(awaited.Get(id).ok());
  ASSERT_TRUE(awaited.Cancel(id).ok());
  EXPECT_FALSE(done.HasBeenNotified());
  EXPECT_FALSE(std::filesystem::exists(copy_));
  const absl::Status another =
      AwaitStore<void>([&](auto also) { store->Backup(directory_.File("other.db"), std::move(also)); });
  EXPECT_EQ(another.code(), absl::StatusCode::kFailedPrecondition);
  disk.RunAll();
  done.Wait();
  EXPECT_TRUE(backup.ok()) << backup;
  EXPECT_TRUE(std::filesystem::exists(copy_));
  EXPECT_EQ(AwaitedStore(**Open({.path = copy_})).Get(id)->state, BatchState::kPending) << "as it was copied";
}

// That it is a backup counts once: a process that dies with what was restored has died.
TEST_F(SqliteBatchStoreTest, ADeathAfterTheRestoreIsOne) {
  {
    const std::unique_ptr<EmbeddedStore> store = *Open();
    AwaitedStore awaited(*store);
    ASSERT_TRUE(awaited.Create(Embed(), Jobs(3)).ok());
    ASSERT_TRUE(AwaitStore<void>([&](auto done) { store->Backup(copy_, std::move(done)); }).ok());
  }
  {
    const std::unique_ptr<EmbeddedStore> restored = *Open({.path = copy_});
    AwaitedStore awaited(*restored);
    ASSERT_THAT(*awaited.Claim(Claims(*awaited.Open(), 2)), SizeIs(2));
  }
  std::filesystem::remove(copy_ + ".ended");
  const std::unique_ptr<EmbeddedStore> again = *Open({.path = copy_});
  AwaitedStore awaited(*again);
  EXPECT_THAT(*awaited.Claim(Claims(*awaited.Open(), 3)), SizeIs(1)) << "a suspect, alone";
}

// A process that is killed while it waits for the disk to take a backup has said before that it ends of its
// own accord.
TEST_F(SqliteBatchStoreTest, TheEndIsMarkedBeforeABackupsSyncIsWaitedFor) {
  ManualExecutor disk;
  std::unique_ptr<EmbeddedStore> store = *Open({.backup_executor = &disk});
  AwaitedStore awaited(*store);
  ASSERT_TRUE(awaited.Create(Embed(), Jobs(3)).ok());
  ASSERT_THAT(*awaited.Claim(Claims(*awaited.Open(), 2)), SizeIs(2));
  store->Backup(copy_, [](const absl::Status&) {});
  while (disk.size() == 0) ASSERT_TRUE(awaited.Stats().ok());
  Thread closing("closing", [&] { store.reset(); });
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  while (!std::filesystem::exists(path_ + ".ended") && absl::Now() < give_up) std::this_thread::yield();
  EXPECT_TRUE(std::filesystem::exists(path_ + ".ended"));
  disk.RunAll();
  closing.Join();
}

// Where executors take both the turns and the syncing, a backup is published without any other call.
TEST_F(SqliteBatchStoreTest, ABackupEndsByItselfWhereExecutorsTakeTheWork) {
  ManualExecutor turns;
  ManualExecutor disk;
  std::unique_ptr<EmbeddedStore> store = *Open({.executor = &turns, .backup_executor = &disk});
  std::optional<absl::Status> backup;
  store->Backup(copy_, [&](absl::Status status) { backup = std::move(status); });
  turns.RunAll();
  disk.RunAll();
  EXPECT_FALSE(backup.has_value());
  turns.RunAll();
  ASSERT_TRUE(backup.has_value());
  EXPECT_TRUE(backup->ok()) << *backup;
  EXPECT_TRUE(std::filesystem::exists(copy_));
}

// What a crash leaves of a backup goes at the next start; whole ones stay.
TEST_F(SqliteBatchStoreTest, PartialBackupsAreRemoved) {
  std::ofstream(directory_.File("one.db")) << "whole";
  std::ofstream(directory_.File("two.db.partial")) << "half";
  RemovePartialBackups(directory_.File(""));
  EXPECT_TRUE(std::filesystem::exists(directory_.File("one.db")));
  EXPECT_FALSE(std::filesystem::exists(directory_.File("two.db.partial")));
  RemovePartialBackups(directory_.File("absent"));
}

TEST_F(SqliteBatchStoreTest, BackupThatCannotBeWrittenLeavesTheStoreAtWork) {
  const std::unique_ptr<EmbeddedStore> store = *Open();
  const absl::Status status =
      AwaitStore<void>([&](auto done) { store->Backup(directory_.File("absent/copy.db"), std::move(done)); });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(AwaitedStore(*store).Create(Embed(), Jobs(1)).ok());
}

// Whatever has the copy's name, also a link that leads nowhere, and whenever it came.
TEST_F(SqliteBatchStoreTest, ABackupReplacesNothing) {
  ManualExecutor disk;
  const std::unique_ptr<EmbeddedStore> store = *Open({.backup_executor = &disk});
  AwaitedStore awaited(*store);
  const auto backup = [&] {
    return AwaitStore<void>([&](auto done) { store->Backup(copy_, std::move(done)); });
  };
  std::filesystem::create_symlink(directory_.File("absent"), copy_);
  EXPECT_EQ(backup().code(), absl::StatusCode::kAlreadyExists);
  std::filesystem::remove(copy_);

  Notification done;
  absl::Status late;
  store->Backup(copy_, [&](absl::Status status) {
    late = std::move(status);
    done.Notify();
  });
  while (disk.size() == 0) ASSERT_TRUE(awaited.Stats().ok());
  std::ofstream(copy_) << "somebody else's";
  disk.RunAll();
  done.Wait();
  EXPECT_EQ(late.code(), absl::StatusCode::kAlreadyExists) << late;
  EXPECT_TRUE(FileHolds(copy_, "somebody else's"));
  EXPECT_FALSE(std::filesystem::exists(copy_ + ".partial"));
}

TEST_F(SqliteBatchStoreTest, ABackupFollowsNoLinkInPlaceOfItsCopy) {
  const std::unique_ptr<EmbeddedStore> store = *Open();
  ASSERT_TRUE(AwaitedStore(*store).Create(Embed(), Jobs(3)).ok());
  std::ofstream(directory_.File("precious")) << "kept";
  std::filesystem::create_symlink(directory_.File("precious"), copy_ + ".partial");
  const absl::Status backup = AwaitStore<void>([&](auto done) { store->Backup(copy_, std::move(done)); });
  EXPECT_TRUE(backup.ok()) << backup;
  EXPECT_TRUE(FileHolds(directory_.File("precious"), "kept"));
  EXPECT_FALSE(std::filesystem::is_symlink(copy_));
}

TEST_F(SqliteBatchStoreTest, ABackupWhoseDirectoryVanishesSaysSoAndTheStoreGoesOn) {
  ManualExecutor disk;
  const std::unique_ptr<EmbeddedStore> store = *Open({.backup_executor = &disk});
  AwaitedStore awaited(*store);
  ASSERT_TRUE(awaited.Create(Embed(), Jobs(3)).ok());
  std::filesystem::create_directory(directory_.File("backups"));
  Notification done;
  absl::Status backup;
  store->Backup(directory_.File("backups/copy.db"), [&](absl::Status status) {
    backup = std::move(status);
    done.Notify();
  });
  while (disk.size() == 0) ASSERT_TRUE(awaited.Stats().ok());
  std::filesystem::remove_all(directory_.File("backups"));
  disk.RunAll();
  done.Wait();
  EXPECT_EQ(backup.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(backup.message()), HasSubstr("backups/copy.db: No such file or directory"));
  EXPECT_TRUE(awaited.Create(Embed(), Jobs(1)).ok());
}

// A batch of another directory's store is unknown, even where the numbers agree.
TEST_F(SqliteBatchStoreTest, IdsOfAnotherFileAreUnknown) {
  const std::unique_ptr<EmbeddedStore> a = *Open();
  const std::unique_ptr<EmbeddedStore> b = *Open({.path = copy_});
  const std::string id = AwaitedStore(*a).Create(Embed(), Jobs(1))->id;
  const std::string other = AwaitedStore(*b).Create(Embed(), Jobs(1))->id;
  EXPECT_NE(id, other);
  EXPECT_EQ(AwaitedStore(*b).Get(id).status().code(), absl::StatusCode::kNotFound);
}

// Tasks and artifacts stay as long as their batch, and go with it.
TEST_F(SqliteBatchStoreTest, DeletingABatchRemovesItsTasksAndArtifacts) {
  {
    const std::unique_ptr<EmbeddedStore> store = *Open({.stages = &SteppedStages()});
    AwaitedStore awaited(*store);
    const std::string id = awaited.Create({.kind = kStepped}, {{"a", ""}, {"b", ""}})->id;
    const SessionId session = *awaited.Open();
    const ClaimRequest all{.session = session, .stages = {kSplit, kPart, kJoin}, .max_claims = 10};
    const std::vector<Claimed> splits = *awaited.Claim(all);
    ASSERT_TRUE(awaited.Commit({{splits.at(0).key(), SplitInto(3, "SECRET-ARTIFACT")}}).ok());
    ASSERT_TRUE(awaited.Commit({{splits.at(1).key(), Advance{.next = kJoin, .artifact = "other"}}}).ok());
    EXPECT_TRUE(FileHolds(path_, "SECRET-ARTIFACT"));
    ASSERT_EQ(awaited.Cancel(id)->state, BatchState::kCancelled);
    ASSERT_TRUE(awaited.Delete(id).ok());
    EXPECT_FALSE(FileHolds(path_, "SECRET-ARTIFACT"));
  }
  for (const char* table : {"task", "artifact", "fan_out", "ready", "lease", "job"})
    EXPECT_EQ(SqlInt(path_, absl::StrCat("SELECT count(*) FROM ", table)), 0) << table;
}

}  // namespace
}  // namespace sluice
