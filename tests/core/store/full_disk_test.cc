// A disk without room for one more page: what was stored stays, what frees room works, and then there is
// room.
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/store/sqlite/disk_reserve.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/awaited_store.h"
#include "tests/contract/scratch_directory.h"
#include "tests/core/store/store_file.h"
#include "tests/core/store/unsynced_disk.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

class FullDisk : public testing::Test {
 protected:
  static constexpr int64_t kMiB = 1 << 20;
  static constexpr int64_t kReserve = 32 * kMiB;
  static constexpr int64_t kDisk = 112 * kMiB;

  absl::StatusOr<std::unique_ptr<EmbeddedStore>> Open(int64_t reserve_bytes = kReserve,
                                                      Executor* executor = nullptr) {
    return OpenSqliteBatchStore({.path = path_, .reserve_bytes = reserve_bytes, .executor = executor},
                                clock_);
  }

  absl::StatusOr<Batch> Create(AwaitedStore& store, int jobs, size_t bytes) {
    NewBatch batch;
    batch.kind = JobKind::kEmbed;
    std::vector<NewJob> list;
    for (int i = 0; i < jobs; ++i) list.push_back({absl::StrCat("job", i), std::string(bytes, 'x')});
    return store.Create(std::move(batch), std::move(list));
  }

  // Until not even a small batch fits.
  void Fill(AwaitedStore& store) {
    for (const int jobs : {300, 30, 1}) {
      while (true) {
        const absl::StatusOr<Batch> made = Create(store, jobs, 20'000);
        if (!made.ok()) {
          ASSERT_EQ(ReasonOf(made.status()), "DISK_FULL") << made.status();
          break;
        }
        batches_.push_back(made->id);
      }
    }
    ASSERT_GT(batches_.size(), 4u);
  }

  SimulatedClock clock_;
  ScratchDirectory directory_;
  const std::string path_ = directory_.File("batches.db");
  const std::string reserve_ = DiskReserveOf(path_);
  std::vector<std::string> batches_;
};

TEST_F(FullDisk, BatchesAreCancelledAndDeletedAndTheirRoomIsGivenBack) {
  UnsyncedDisk disk;
  const std::unique_ptr<EmbeddedStore> engine = *Open();
  disk.Bound(kDisk, reserve_);
  AwaitedStore store(*engine);
  Fill(store);
  const int64_t full = disk.bytes();
  for (const std::string& batch : batches_) {
    const absl::StatusOr<Batch> cancelled = store.Cancel(batch);
    ASSERT_TRUE(cancelled.ok()) << cancelled.status();
    const absl::Status deleted = store.Delete(batch);
    ASSERT_TRUE(deleted.ok()) << deleted;
  }
  EXPECT_LT(disk.bytes(), full / 20) << "the disk has its room back";
  EXPECT_TRUE(Create(store, 300, 20'000).ok());
  EXPECT_TRUE(std::filesystem::exists(reserve_)) << "for the next time";
}

TEST_F(FullDisk, WhatIsTooOldIsSwept) {
  UnsyncedDisk disk;
  ManualExecutor turns;
  std::unique_ptr<EmbeddedStore> engine = *Open();
  disk.Bound(kDisk, reserve_);
  AwaitedStore awaited(*engine);
  Fill(awaited);
  engine.reset();
  engine = *Open(kReserve, &turns);
  clock_.Advance(absl::Hours(25));  // beyond their expiry
  int64_t purged = 0;
  for (size_t sweeps = 0; sweeps < 2 * batches_.size(); ++sweeps) {
    engine->Sweep(absl::ZeroDuration(), absl::InfiniteDuration(),
                  [&](const absl::StatusOr<SweepReply>& reply) {
                    ASSERT_TRUE(reply.ok()) << reply.status();
                    purged += reply->purged_batches;
                  });
    turns.RunAll();  // also the removal of what was swept
  }
  EXPECT_EQ(purged, std::ssize(batches_));
  EXPECT_LT(disk.bytes(), 8 * kMiB) << "the disk has its room back";
}

// A process that is started on a full disk starts, so that it can be told what to delete.
TEST_F(FullDisk, AStartFindsRoomForItself) {
  UnsyncedDisk disk;
  {
    const std::unique_ptr<EmbeddedStore> engine = *Open();
    AwaitedStore store(*engine);
    ASSERT_TRUE(Create(store, 300, 20'000).ok());
    const SessionId session = *store.Open();
    ASSERT_TRUE(store.Claim({.session = session, .stages = {Stage::kEmbed}, .max_claims = 200}).ok());
    ASSERT_TRUE(store.Begin({.kind = JobKind::kEmbed}).ok());
  }
  disk.Bound(disk.bytes() + kReserve, reserve_);
  EXPECT_EQ(ReasonOf(Open(/*reserve_bytes=*/0).status()), "DISK_FULL");
  const absl::StatusOr<std::unique_ptr<EmbeddedStore>> engine = Open();
  ASSERT_TRUE(engine.ok()) << engine.status();
  AwaitedStore store(**engine);
  EXPECT_TRUE(store.Open().ok()) << "without a session no server starts";
  const std::string batch = store.List(1)->batches.at(0).id;
  ASSERT_TRUE(store.Cancel(batch).ok());
  EXPECT_TRUE(store.Delete(batch).ok());
}

// The reserve is for what frees room. Others would use it up.
TEST_F(FullDisk, WhatOnlyWritesDoesNotGetTheReserve) {
  UnsyncedDisk disk;
  const std::unique_ptr<EmbeddedStore> engine = *Open();
  disk.Bound(kDisk, reserve_);
  AwaitedStore store(*engine);
  Fill(store);
  EXPECT_EQ(ReasonOf(Create(store, 1, 20'000).status()), "DISK_FULL");
  EXPECT_EQ(std::filesystem::file_size(reserve_), static_cast<uintmax_t>(kReserve));
  EXPECT_TRUE(store.Get(batches_[0]).ok());
}

class Reserve : public testing::Test {
 protected:
  static constexpr int64_t kBytes = 1 << 20;
  int64_t AllocatedBytes() const {
    struct stat file;
    return stat(path_.c_str(), &file) == 0 ? int64_t{file.st_blocks} * 512 : 0;
  }

  ScratchDirectory directory_;
  const std::string path_ = directory_.File("reserve");
};

TEST_F(Reserve, HasItsBlocksUntilItIsReleasedAndIsFoundAgain) {
  DiskReserve reserve(path_, kBytes);
  EXPECT_FALSE(reserve.held());
  EXPECT_TRUE(reserve.Take());
  EXPECT_GE(AllocatedBytes(), kBytes);
  EXPECT_TRUE(DiskReserve(path_, kBytes).held());
  EXPECT_TRUE(reserve.Release());
  EXPECT_EQ(AllocatedBytes(), 0);
  EXPECT_TRUE(reserve.spent());
  EXPECT_FALSE(reserve.Release()) << "there is none";
  EXPECT_TRUE(reserve.Take());
  EXPECT_FALSE(reserve.spent());
}

// A hole keeps no room.
TEST_F(Reserve, AFileWithoutBlocksIsNone) {
  std::ofstream(path_) << "x";
  std::filesystem::resize_file(path_, kBytes);
  DiskReserve reserve(path_, kBytes);
  EXPECT_FALSE(reserve.held());
  EXPECT_TRUE(reserve.Take());
  EXPECT_GE(AllocatedBytes(), kBytes);
}

TEST_F(Reserve, MoreThanTheDiskHasIsNotTaken) {
  DiskReserve reserve(path_, int64_t{1} << 40);
  EXPECT_FALSE(reserve.Take());
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// What stands there and is not ours is neither followed nor removed.
TEST_F(Reserve, ALinkIsNotFollowed) {
  std::ofstream(directory_.File("precious")) << "kept";
  std::filesystem::create_symlink(directory_.File("precious"), path_);
  DiskReserve reserve(path_, kBytes);
  EXPECT_FALSE(reserve.Take());
  EXPECT_FALSE(reserve.Release());
  EXPECT_EQ(FileBytes(directory_.File("precious")), "kept");
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
}

}  // namespace
}  // namespace sluice
