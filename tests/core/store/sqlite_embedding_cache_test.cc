#include "core/store/sqlite/sqlite_embedding_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "core/store/sqlite/connection.h"
#include "tests/contract/cached_vectors.h"
#include "tests/contract/scratch_directory.h"
#include "tests/core/store/store_file.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

class SqliteEmbeddingCacheTest : public testing::Test {
 protected:
  std::unique_ptr<EmbeddingCache> Open(int64_t max_bytes = kLeastEmbeddingCacheBytes) {
    SqliteEmbeddingCacheOptions options;
    options.path = path_;
    options.max_bytes = max_bytes;
    options.observer = &observer_;
    auto cache = OpenSqliteEmbeddingCache(options, clock_);
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *std::move(cache);
  }

  // A cache that holds the vectors of these names, closed.
  void Fill(int64_t first, int64_t last, int64_t max_bytes = kLeastEmbeddingCacheBytes) {
    const auto cache = Open(max_bytes);
    for (int64_t name = first; name <= last; ++name) PutSurely(*cache, name);
  }

  // The file is read by the cache's own thread, after it was opened.
  static bool AwaitHeld(EmbeddingCache& cache, int64_t name) {
    for (int tries = 0; tries < 10'000 && !cache.MayHold(KeyOf(name)); ++tries) {
      (void)AwaitGet(cache, std::vector<EmbeddingKey>());
    }
    return cache.MayHold(KeyOf(name));
  }

  void Sql(const std::string& script) {
    const auto connection = Connection::Open(path_);
    ASSERT_TRUE(connection.ok());
    ASSERT_EQ((*connection)->Script(script), absl::OkStatus());
  }

  int64_t DiskBytes() const {
    int64_t bytes = 0;
    for (const char* suffix : {"", "-wal"}) {
      if (std::filesystem::exists(path_ + suffix)) {
        bytes += static_cast<int64_t>(std::filesystem::file_size(path_ + suffix));
      }
    }
    return bytes;
  }

  ScratchDirectory directory_;
  const std::string path_ = directory_.File("cache.db");
  SimulatedClock clock_;
  CountingCacheObserver observer_;
};

TEST_F(SqliteEmbeddingCacheTest, ARestartKeepsTheHits) {
  Fill(1, 200);
  const auto cache = Open();
  ASSERT_TRUE(AwaitHeld(*cache, 200));
  EXPECT_EQ(AwaitGet(*cache, 1), VectorOf(1));
  EXPECT_EQ(AwaitGet(*cache, 200), VectorOf(200));
  EXPECT_EQ(AwaitGet(*cache, 201), std::nullopt);
}

// What is put again before the file's keys are read is not kept twice.
TEST_F(SqliteEmbeddingCacheTest, AVectorHasOnePlace) {
  Fill(1, 5000);
  const int64_t bytes = observer_.bytes();
  for (int restart = 0; restart < 5; ++restart) {
    const auto cache = Open();
    for (int64_t name = 1; name <= 500; ++name) cache->Put(KeyOf(name), VectorOf(name));
  }
  EXPECT_EQ(observer_.bytes(), bytes);
}

// The cache's thread, kept from its work in an answer to nothing.
class HeldThread {
 public:
  explicit HeldThread(EmbeddingCache& cache) {
    cache.Get({}, [state = state_](FoundEmbeddings) {
      state->held.Notify();
      state->go_on.Wait();
    });
    state_->held.Wait();
  }
  void LetGo() { state_->go_on.Notify(); }

 private:
  struct State {
    Notification held;
    Notification go_on;
  };
  const std::shared_ptr<State> state_ = std::make_shared<State>();  // the answer's too: it may end after us
};

// More than fill a commit, which has been made when it returns.
void PutACommit(EmbeddingCache& cache, int64_t first) {
  for (int64_t name = first; name < first + 100; ++name) cache.Put(KeyOf(name), VectorOf(name));
  for (int turn = 0; turn < 2; ++turn) AwaitGet(cache, std::vector<EmbeddingKey>());
}

// What is written to a file that has no name is lost, and takes room for ever.
TEST_F(SqliteEmbeddingCacheTest, AFileThatIsRemovedIsMadeAnew) {
  {
    const auto cache = Open();
    PutACommit(*cache, 0);
    std::filesystem::remove(path_);
    PutACommit(*cache, 1000);
    PutACommit(*cache, 2000);
  }
  const auto cache = Open();
  EXPECT_TRUE(AwaitHeld(*cache, 2000));
}

TEST_F(SqliteEmbeddingCacheTest, AFileThatTookItsPlaceIsLeftAlone) {
  {
    const auto cache = Open();
    PutACommit(*cache, 0);
    std::ofstream(directory_.File("other")) << "somebody else's";
    std::filesystem::rename(directory_.File("other"), path_);
    PutACommit(*cache, 1000);
    PutACommit(*cache, 2000);
  }
  EXPECT_EQ(FileBytes(path_), "somebody else's");
}

TEST_F(SqliteEmbeddingCacheTest, NoFileIsMadeInADirectoryThatTookThePlaceOfItsOwn) {
  const std::string data = directory_.File("data");
  std::filesystem::create_directory(data);
  {
    const auto cache = *OpenSqliteEmbeddingCache({.path = data + "/cache.db"}, clock_);
    PutACommit(*cache, 0);
    std::filesystem::rename(data, directory_.File("moved"));
    std::filesystem::create_directory(data);
    PutACommit(*cache, 1000);
    PutACommit(*cache, 2000);
  }
  EXPECT_TRUE(std::filesystem::is_empty(data));
}

// To open one would wait for somebody who writes.
TEST_F(SqliteEmbeddingCacheTest, AFifoOfItsNameIsSetAside) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  Fill(1, 1);
  EXPECT_TRUE(std::filesystem::is_fifo(path_ + ".set-aside"));
}

// What a killed process leaves is what its files hold while it lives.
TEST_F(SqliteEmbeddingCacheTest, AKilledProcessLeavesAFileThatOpens) {
  const std::string left = directory_.File("left.db");
  {
    const auto cache = Open();
    for (int64_t name = 0; name < 1000; ++name) PutSurely(*cache, name);
    HeldThread held(*cache);  // so that both files are of one moment
    for (const char* suffix : {"", "-wal"}) std::filesystem::copy_file(path_ + suffix, left + suffix);
    held.LetGo();
  }
  for (const char* suffix : {"", "-wal"}) {
    std::filesystem::remove(path_ + suffix);
    std::filesystem::rename(left + suffix, path_ + suffix);
  }
  const auto cache = Open();
  for (int64_t name = 0; name < 1000; ++name) {
    if (const auto found = AwaitGet(*cache, name)) {
      EXPECT_EQ(*found, VectorOf(name));
    }
  }
  PutSurely(*cache, 5000);
  EXPECT_EQ(AwaitGet(*cache, 5000), VectorOf(5000));
}

// File and log together, while they are written and after.
TEST_F(SqliteEmbeddingCacheTest, TheDiskIsBounded) {
  int64_t most = 0;
  {
    const auto cache = Open();
    for (int64_t name = 0; name < 30'000; ++name) {
      PutSurely(*cache, name);
      if (name % 500 == 0) most = std::max(most, DiskBytes());
    }
  }
  EXPECT_LE(most, kLeastEmbeddingCacheBytes);
  EXPECT_LE(DiskBytes(), kLeastEmbeddingCacheBytes);
  EXPECT_GT(observer_.evicted(), 20'000);
}

// A server that is started with a smaller bound keeps the newest, and gives the disk back.
TEST_F(SqliteEmbeddingCacheTest, ASmallerBoundShrinksTheFile) {
  Fill(1, 20'000, 64 << 20);
  EXPECT_GT(DiskBytes(), 25 << 20);
  {
    const auto cache = Open();
    ASSERT_TRUE(AwaitHeld(*cache, 20'000));
    EXPECT_EQ(AwaitGet(*cache, 20'000), VectorOf(20'000));
    // Turns of the cache's thread, until it is done.
    for (int tries = 0; tries < 100'000 && DiskBytes() > kLeastEmbeddingCacheBytes; ++tries) {
      (void)AwaitGet(*cache, 20'000);
    }
    EXPECT_FALSE(cache->MayHold(KeyOf(1)));
    EXPECT_LE(DiskBytes(), kLeastEmbeddingCacheBytes);
  }
}

// Vectors are personal data: none outlives the age it is given, used or not.
TEST_F(SqliteEmbeddingCacheTest, OldVectorsGo) {
  Fill(1, 300);
  clock_.Advance(absl::Hours(24 * 29));
  Fill(301, 301);
  clock_.Advance(absl::Hours(24 * 2));
  const auto cache = Open();
  ASSERT_TRUE(AwaitHeld(*cache, 301));
  for (int tries = 0; tries < 10'000 && cache->MayHold(KeyOf(300)); ++tries) (void)AwaitGet(*cache, 300);
  EXPECT_FALSE(cache->MayHold(KeyOf(1)));
  EXPECT_FALSE(cache->MayHold(KeyOf(300)));
  EXPECT_EQ(AwaitGet(*cache, 301), VectorOf(301));
}

// A vector that is not what was written, or stands in another's place, is a miss and is written again.
TEST_F(SqliteEmbeddingCacheTest, ATornVectorIsAMiss) {
  Fill(1, 4);
  Sql("UPDATE vector SET bytes = zeroblob(length(bytes)) WHERE slot = 1;"
      "UPDATE vector SET bytes = substr(bytes, 1, 700) WHERE slot = 2;"
      "UPDATE vector SET bytes = (SELECT bytes FROM vector WHERE slot = 4) WHERE slot = 3;");
  {
    const auto cache = Open();
    ASSERT_TRUE(AwaitHeld(*cache, 4));
    for (int64_t name : {1, 2, 3}) {
      EXPECT_EQ(AwaitGet(*cache, name), std::nullopt) << name;
      EXPECT_FALSE(cache->MayHold(KeyOf(name))) << name;
    }
    EXPECT_EQ(AwaitGet(*cache, 4), VectorOf(4));
    PutSurely(*cache, 1);
  }
  const auto cache = Open();
  ASSERT_TRUE(AwaitHeld(*cache, 4));
  EXPECT_EQ(AwaitGet(*cache, 1), VectorOf(1));
}

// Damage that shows while the file is used: it is emptied, and the cache goes on.
TEST_F(SqliteEmbeddingCacheTest, ADamagedFileIsMadeAnew) {
  Fill(1, 2000);
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(16384);
    for (int page = 0; page < 100; ++page) file.write(std::string(16384, 'x').data(), 16384);
  }
  {
    const auto cache = Open();
    // Whatever is read now is right or absent.
    for (int64_t name = 1; name <= 2000; ++name) {
      if (const auto found = AwaitGet(*cache, name)) {
        EXPECT_EQ(*found, VectorOf(name));
      }
    }
    PutSurely(*cache, 7);
    EXPECT_EQ(AwaitGet(*cache, 7), VectorOf(7));
  }
  const auto cache = Open();
  ASSERT_TRUE(AwaitHeld(*cache, 7));
  EXPECT_EQ(AwaitGet(*cache, 7), VectorOf(7));
}

// Of another release: deleted, since nothing in it is irreplaceable.
TEST_F(SqliteEmbeddingCacheTest, AFileOfAnotherSchemaIsMadeAnew) {
  Fill(1, 1);
  Sql("PRAGMA user_version = 99");
  const auto cache = Open();
  PutSurely(*cache, 2);
  EXPECT_EQ(AwaitGet(*cache, 2), VectorOf(2));
  EXPECT_EQ(AwaitGet(*cache, 1), std::nullopt);
}

// Somebody else's file by that name is moved, not deleted.
TEST_F(SqliteEmbeddingCacheTest, AForeignFileIsSetAside) {
  const std::string text = "my own notes, " + std::string(500, '.');
  std::ofstream(path_) << text;
  const auto cache = Open();
  PutSurely(*cache, 1);
  EXPECT_EQ(AwaitGet(*cache, 1), VectorOf(1));
  std::ifstream aside(path_ + ".set-aside");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(aside), {}), text);
}

TEST_F(SqliteEmbeddingCacheTest, RefusesOptionsOutOfRange) {
  EXPECT_EQ(OpenSqliteEmbeddingCache({.path = path_, .max_bytes = 1}, clock_).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      OpenSqliteEmbeddingCache({.path = directory_.File("no/such/place/cache.db")}, clock_).status().code(),
      absl::StatusCode::kUnavailable);
}

// Vectors that come faster than they are written are dropped and counted, and nobody waits.
TEST_F(SqliteEmbeddingCacheTest, TheQueueOfWritesIsBounded) {
  SqliteEmbeddingCacheOptions options{.path = path_, .max_waiting_writes = 10, .observer = &observer_};
  const auto cache = OpenSqliteEmbeddingCache(options, clock_).value();
  HeldThread held(*cache);
  for (int64_t name = 0; name < 25; ++name) cache->Put(KeyOf(name), VectorOf(name));
  EXPECT_EQ(observer_.dropped(), 15);
  EXPECT_TRUE(cache->MayHold(KeyOf(9)));
  EXPECT_FALSE(cache->MayHold(KeyOf(10)));
  held.LetGo();
}

// While more reads wait than are worth waiting for, the answer is: compute it.
TEST_F(SqliteEmbeddingCacheTest, TheQueueOfReadsIsBounded) {
  SqliteEmbeddingCacheOptions options{.path = path_, .max_waiting_reads = 2};
  const auto cache = OpenSqliteEmbeddingCache(options, clock_).value();
  cache->Put(KeyOf(1), VectorOf(1));
  HeldThread held(*cache);
  EXPECT_TRUE(cache->MayHold(KeyOf(1)));
  std::atomic<int> hits = 0;
  cache->Get({KeyOf(1), KeyOf(1)},
             [&](FoundEmbeddings found) { hits = found[0].has_value() + found[1].has_value(); });
  EXPECT_FALSE(cache->MayHold(KeyOf(1)));
  held.LetGo();
  EXPECT_EQ(AwaitGet(*cache, 1), VectorOf(1));
  EXPECT_EQ(hits, 2);
  EXPECT_TRUE(cache->MayHold(KeyOf(1)));
}

}  // namespace
}  // namespace sluice
