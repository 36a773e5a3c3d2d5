// The rules of content_store.h, held by the store of files.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/error_details.h"
#include "core/base/sha256.h"
#include "core/store/await.h"
#include "core/store/files/file_content_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/contract/scratch_directory.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ContentStoreTest : public testing::Test {
 protected:
  ContentStoreTest() { Open(); }

  void Open() {
    store_.reset();
    auto store = OpenFileContentStore({.directory = directory_.File("contents"),
                                       .max_content_bytes = 1000,
                                       .min_free_bytes = 10,
                                       .free_bytes = [this] { return free_; }},
                                      clock_);
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  absl::StatusOr<ContentState> Write(int64_t offset, const std::string& piece, const std::string& whole) {
    return AwaitStore<ContentState>([&](auto done) {
      store_->Write({Sha256Hex(whole), static_cast<int64_t>(whole.size()), offset, piece}, std::move(done));
    });
  }
  ContentState State(const std::string& whole) {
    return *AwaitStore<ContentState>([&](auto done) { store_->GetState(Sha256Hex(whole), std::move(done)); });
  }
  absl::StatusOr<std::string> Read(const std::string& whole) {
    const auto file = AwaitStore<std::shared_ptr<const OpenFile>>(
        [&](auto done) { store_->Open(Sha256Hex(whole), std::move(done)); });
    if (!file.ok()) return file.status();
    std::string bytes(1000, '\0');
    bytes.resize(static_cast<size_t>(pread((*file)->get(), bytes.data(), bytes.size(), 0)));
    return bytes;
  }

  ScratchDirectory directory_;
  SimulatedClock clock_;
  int64_t free_ = 1 << 20;
  std::unique_ptr<ContentStore> store_;
};

TEST_F(ContentStoreTest, AContentIsThereOnceItsLastPieceIs) {
  EXPECT_EQ(State("hello world").offset, 0);
  EXPECT_FALSE(Write(0, "hello ", "hello world")->complete);
  EXPECT_EQ(Read("hello world").status().code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(Write(6, "world", "hello world")->complete);
  EXPECT_EQ(*Read("hello world"), "hello world");
}

TEST_F(ContentStoreTest, AnUploadGoesOnAfterARestart) {
  ASSERT_TRUE(Write(0, "hello ", "hello world").ok());
  Open();
  EXPECT_EQ(State("hello world").offset, 6);
  EXPECT_TRUE(Write(6, "world", "hello world")->complete);
  EXPECT_EQ(*Read("hello world"), "hello world");
}

// Two clients send the same file, or one sends a piece again whose answer was lost.
TEST_F(ContentStoreTest, APieceThatIsThereChangesNothingAndAGapIsRefused) {
  ASSERT_TRUE(Write(0, "hello ", "hello world").ok());
  EXPECT_EQ(Write(0, "hello ", "hello world")->offset, 6);
  EXPECT_EQ(Write(4, "o wor", "hello world")->offset, 9);
  const absl::Status gap = Write(10, "d", "hello world").status();
  EXPECT_EQ(gap.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(gap.message()), HasSubstr("offset"));
  EXPECT_TRUE(Write(9, "ld", "hello world")->complete);
  EXPECT_TRUE(Write(0, "hello ", "hello world")->complete);
}

TEST_F(ContentStoreTest, OtherBytesThanTheDigestsLeaveNothing) {
  const absl::Status other = Write(0, "hello WORLD", "hello world").status();
  EXPECT_EQ(other.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(other), "DIGEST_MISMATCH");
  EXPECT_EQ(State("hello world").offset, 0);
  EXPECT_TRUE(Write(0, "hello world", "hello world")->complete);
}

TEST_F(ContentStoreTest, WhatIsTooLargeOrFindsNoRoomIsRefusedBeforeItIsWritten) {
  const std::string large(1001, 'x');
  const absl::Status refused = Write(0, "x", large).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "CONTENT_TOO_LARGE");
  free_ = 20;
  EXPECT_EQ(ReasonOf(Write(0, "hello world", "hello world").status()), "DISK_FULL");
  free_ = 21;
  EXPECT_TRUE(Write(0, "hello world", "hello world").ok());
}

TEST_F(ContentStoreTest, NoPathComesFromAClient) {
  for (const char* digest : {"../../etc/passwd", "", "ABCDEF"}) {
    const auto state =
        AwaitStore<ContentState>([&](auto done) { store_->GetState(digest, std::move(done)); });
    EXPECT_EQ(state.status().code(), absl::StatusCode::kInvalidArgument) << digest;
  }
}

TEST_F(ContentStoreTest, RemovedContentsAndUploadsAreGone) {
  ASSERT_TRUE(Write(0, "hello world", "hello world").ok());
  ASSERT_TRUE(Write(0, "part", "partly").ok());
  for (const char* whole : {"hello world", "partly", "never there"}) {
    EXPECT_TRUE(AwaitStore<void>([&](auto done) { store_->Remove(Sha256Hex(whole), std::move(done)); }).ok());
    EXPECT_EQ(State(whole).offset, 0);
  }
}

TEST_F(ContentStoreTest, WhatNobodyAskedForIsOldAndAnUploadThatGetsNothingGoes) {
  ASSERT_TRUE(Write(0, "hello world", "hello world").ok());
  ASSERT_TRUE(Write(0, "used", "used").ok());
  clock_.Advance(absl::Hours(25));
  ASSERT_TRUE(Read("used").ok());
  const auto old = AwaitStore<std::vector<std::string>>(
      [&](auto done) { store_->ListOlderThan(absl::Hours(24), 10, std::move(done)); });
  EXPECT_THAT(*old, ElementsAre(Sha256Hex("hello world")));
}

}  // namespace
}  // namespace sluice
