// A store whose file is taken away under it: nothing is acknowledged that nobody could read again, every call
// is answered, and what stands in the file's place is left alone.
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/store/sqlite/sqlite_batch_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/awaited_store.h"
#include "tests/contract/scratch_directory.h"
#include "tests/core/store/store_file.h"
#include "tests/fakes/manual_executor.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

NewBatch Embed() {
  NewBatch batch;
  batch.kind = JobKind::kEmbed;
  return batch;
}

// Below the scratch directory: data/, which the store uses, and other/, a store of somebody else's.
struct Place {
  std::string data;
  std::string other;
  std::string file() const { return data + "/batches.db"; }
};

struct Loss {
  std::string name;
  std::function<void(const Place&)> happen;
};

void PrintTo(const Loss& loss, std::ostream* out) {
  *out << loss.name;
}

void RenameOther(const Place& place) {
  std::filesystem::rename(place.data, place.data + ".before");
  std::filesystem::rename(place.other, place.data);
}

class LostPlace : public testing::TestWithParam<Loss> {
 protected:
  LostPlace() {
    for (const std::string& directory : {place_.data, place_.other}) {
      std::filesystem::create_directory(directory);
    }
    const std::unique_ptr<EmbeddedStore> other = *OpenIn(place_.other + "/first.db");
    EXPECT_TRUE(AwaitedStore(*other).Create(Embed(), {{"theirs", "payload"}}).ok());
    // With its log, as a store at work has it.
    CopyStoreFile(place_.other + "/first.db", place_.other + "/batches.db");
  }

  absl::StatusOr<std::unique_ptr<EmbeddedStore>> OpenIn(const std::string& path,
                                                        Executor* executor = nullptr) {
    return OpenSqliteBatchStore({.path = path, .executor = executor}, clock_);
  }

  SimulatedClock clock_;
  ScratchDirectory directory_;
  const Place place_{directory_.File("data"), directory_.File("other")};
};

TEST_P(LostPlace, NothingIsAcknowledgedAnyMore) {
  const std::unique_ptr<EmbeddedStore> engine = *OpenIn(place_.file());
  AwaitedStore store(*engine);
  ASSERT_TRUE(store.Create(Embed(), {{"job", "payload"}}).ok());
  GetParam().happen(place_);
  const absl::Status first = store.Create(Embed(), {{"job", "payload"}}).status();
  EXPECT_EQ(first.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(first), "STORE_FAILED") << first;
  EXPECT_EQ(ReasonOf(store.Stats().status()), "STORE_FAILED") << "reads, too";
}

// Also a server that nobody calls has to find out.
TEST_P(LostPlace, ACallThatOnlyReadsFindsOut) {
  const std::unique_ptr<EmbeddedStore> engine = *OpenIn(place_.file());
  AwaitedStore store(*engine);
  ASSERT_TRUE(store.Stats().ok());
  GetParam().happen(place_);
  EXPECT_EQ(ReasonOf(store.Stats().status()), "STORE_FAILED");
}

TEST_P(LostPlace, EveryCallUnderWayIsAnsweredOnce) {
  ManualExecutor turns;
  std::unique_ptr<EmbeddedStore> store = *OpenIn(place_.file(), &turns);
  std::string done_batch;
  std::string other_batch;
  for (std::string* id : {&done_batch, &other_batch}) {
    store->CreateBatch(Embed(), {{"job", "payload"}}, [&](auto batch) { *id = batch->id; });
    turns.RunAll();
    store->CancelBatch({"", *id}, [](auto batch) { EXPECT_TRUE(batch.ok()); });
  }
  turns.RunAll();
  std::map<std::string, int> answers;
  std::map<std::string, std::string> reasons;
  const auto noting = [&](const std::string& call) {
    answers[call] = 0;
    return [&answers, &reasons, call](const auto& answer) {
      ++answers[call];
      if constexpr (std::is_same_v<std::decay_t<decltype(answer)>, absl::Status>) {
        reasons[call] = ReasonOf(answer);
      } else {
        reasons[call] = ReasonOf(answer.status());
      }
    };
  };
  GetParam().happen(place_);
  store->CreateBatch(Embed(), {{"job", "payload"}}, noting("CreateBatch"));
  store->BeginUpload(Embed(), noting("BeginUpload"));
  store->GetBatch({"", done_batch}, noting("GetBatch"));
  store->ListBatches("", 10, "", noting("ListBatches"));
  store->CancelBatch({"", done_batch}, noting("CancelBatch"));
  store->DeleteBatch({"", done_batch}, noting("DeleteBatch"));
  store->DeleteBatch({"", other_batch}, noting("DeleteBatch of another"));
  store->ReadOutcomes({"", done_batch}, 0, 10, noting("ReadOutcomes"));
  store->OpenSession(absl::Seconds(15), noting("OpenSession"));
  store->Sweep(absl::InfiniteDuration(), absl::InfiniteDuration(), noting("Sweep"));
  store->Stats(noting("Stats"));
  store->Backup(directory_.File("copy.db"), noting("Backup"));
  turns.RunAll();
  for (const auto& [call, count] : answers) EXPECT_EQ(count, 1) << call << " before the store closes";
  for (const auto& [call, reason] : reasons) EXPECT_EQ(reason, "STORE_FAILED") << call;
  store.reset();
  for (const auto& [call, count] : answers) EXPECT_EQ(count, 1) << call;
}

// Two batches are being removed, a piece at a time, when the file goes: both callers hear of it.
TEST_P(LostPlace, WhoWaitsForARemovalIsAnswered) {
  ManualExecutor turns;
  std::vector<absl::Status> answers;
  const std::unique_ptr<EmbeddedStore> store = *OpenIn(place_.file(), &turns);
  std::vector<std::string> ids(2);
  for (std::string& id : ids) {
    std::vector<NewJob> jobs;
    for (int i = 0; i < 3000; ++i) jobs.push_back({absl::StrCat("job", i), "payload"});
    store->CreateBatch(Embed(), jobs, [&](auto batch) { id = batch->id; });
    turns.RunAll();
    store->CancelBatch({"", id}, [](auto cancelled) { EXPECT_TRUE(cancelled.ok()); });
  }
  turns.RunAll();
  for (const std::string& id : ids) {
    store->DeleteBatch({"", id}, [&](absl::Status status) { answers.push_back(std::move(status)); });
  }
  ASSERT_TRUE(turns.RunOne());
  EXPECT_THAT(answers, testing::IsEmpty());
  GetParam().happen(place_);
  turns.RunOne();
  ASSERT_THAT(answers, testing::SizeIs(2)) << "without waiting for the store to close";
  for (const absl::Status& answer : answers) EXPECT_EQ(ReasonOf(answer), "STORE_FAILED") << answer;
}

std::map<std::string, std::string> FilesIn(const std::string& directory) {
  std::map<std::string, std::string> files;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(directory, absent)) {
    files[entry.path().filename()] = FileBytes(entry.path());
  }
  return files;
}

// A store that ends with leases leaves a mark, and SQLite removes its log: neither where others are now.
class LeftAlone : public LostPlace {
 protected:
  void End(bool heard_of_it) {
    std::unique_ptr<EmbeddedStore> engine = *OpenIn(place_.file());
    AwaitedStore store(*engine);
    ASSERT_TRUE(store.Create(Embed(), {{"job", "payload"}}).ok());
    const SessionId session = *store.Open();
    ASSERT_TRUE(store.Claim({.session = session, .stages = {Stage::kEmbed}}).ok());
    GetParam().happen(place_);
    const auto there = FilesIn(place_.data);
    if (heard_of_it) {
      ASSERT_FALSE(store.Stats().ok());
    }
    engine.reset();
    EXPECT_EQ(FilesIn(place_.data), there);
  }
};

TEST_P(LeftAlone, WhatStandsThereWhenTheStoreHeardOfIt) {
  End(true);
}

TEST_P(LeftAlone, WhatStandsThereWhenTheStoreDidNotHearOfIt) {
  End(false);
}

std::vector<Loss> Losses() {
  return {
      Loss{"FileRemoved", [](const Place& place) { std::filesystem::remove(place.file()); }},
      Loss{"LogRemoved", [](const Place& place) { std::filesystem::remove(place.file() + "-wal"); }},
      Loss{"DirectoryRemoved", [](const Place& place) { std::filesystem::remove_all(place.data); }},
      Loss{"DirectoryRenamed",
           [](const Place& place) { std::filesystem::rename(place.data, place.data + ".before"); }},
      Loss{"FileRenamed",
           [](const Place& place) { std::filesystem::rename(place.file(), place.file() + ".before"); }},
      Loss{"FileReplaced",
           [](const Place& place) { std::filesystem::rename(place.other + "/batches.db", place.file()); }},
      Loss{"LogReplaced",
           [](const Place& place) {
             std::filesystem::rename(place.other + "/batches.db-wal", place.file() + "-wal");
           }},
      Loss{"DirectoryReplaced", RenameOther}};
}

std::string NameOf(const testing::TestParamInfo<Loss>& loss) {
  return loss.param.name;
}

INSTANTIATE_TEST_SUITE_P(Losses, LostPlace, testing::ValuesIn(Losses()), NameOf);
INSTANTIATE_TEST_SUITE_P(Losses, LeftAlone, testing::ValuesIn(Losses()), NameOf);

// A file that is reached through a link has its log beside itself.
TEST(LinkedStore, WorksAndIsWatchedWhereItIs) {
  const SimulatedClock clock;
  const ScratchDirectory directory;
  std::filesystem::create_directory(directory.File("elsewhere"));
  std::filesystem::create_symlink(directory.File("elsewhere/real.db"), directory.File("batches.db"));
  const std::unique_ptr<EmbeddedStore> engine =
      *OpenSqliteBatchStore({.path = directory.File("batches.db")}, clock);
  AwaitedStore store(*engine);
  EXPECT_TRUE(store.Create(Embed(), {{"job", "payload"}}).ok());
  std::filesystem::remove(directory.File("elsewhere/real.db-wal"));
  EXPECT_EQ(ReasonOf(store.Stats().status()), "STORE_FAILED");
}

}  // namespace
}  // namespace sluice
