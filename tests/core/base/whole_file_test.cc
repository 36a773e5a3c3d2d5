#include "core/base/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

class WholeFile : public testing::Test {
 protected:
  static std::string Read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  size_t Files() const {
    size_t files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.File("")))
      files += entry.exists();
    return files;
  }

  ScratchDirectory directory_;
  const std::string path_ = directory_.File("note");
};

TEST_F(WholeFile, ReplacesWhatWasThereAndLeavesNothingBeside) {
  std::ofstream(path_) << "longer than before";
  std::ofstream(path_ + ".new") << "left by a crash";
  ASSERT_TRUE(WriteWholeFile(path_, "note").ok());
  EXPECT_EQ(Read(path_), "note");
  EXPECT_EQ(Files(), 1u);
}

TEST_F(WholeFile, ALinkStaysALinkAlsoWhenItLedNowhere) {
  std::filesystem::create_symlink("target", path_);
  for (const char* text : {"first", "second"}) {
    ASSERT_TRUE(WriteWholeFile(path_, text).ok());
    EXPECT_TRUE(std::filesystem::is_symlink(path_));
    EXPECT_EQ(Read(directory_.File("target")), text);
  }
}

TEST_F(WholeFile, ALinkInPlaceOfTheUnfinishedFileIsNotFollowed) {
  std::ofstream(directory_.File("precious")) << "kept";
  std::filesystem::create_symlink(directory_.File("precious"), path_ + ".new");
  ASSERT_TRUE(WriteWholeFile(path_, "note").ok());
  EXPECT_EQ(Read(directory_.File("precious")), "kept");
}

TEST_F(WholeFile, ADeviceIsWrittenToAndStaysOne) {
  std::filesystem::create_symlink("/dev/null", path_);
  EXPECT_TRUE(WriteWholeFile(path_, "note").ok());
  EXPECT_TRUE(std::filesystem::is_character_file(path_));
  EXPECT_FALSE(std::filesystem::exists("/dev/null.new"));
}

// A device that is full says so.
TEST_F(WholeFile, AFullDeviceIsNamedWithItsCause) {
  std::filesystem::create_symlink("/dev/full", path_);
  const absl::Status full = WriteWholeFile(path_, "note");
  EXPECT_EQ(full.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(full.message(), path_ + " cannot be written: No space left on device");
}

TEST_F(WholeFile, AFifoIsWrittenToWhereSomebodyReads) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(WriteWholeFile(path_, "note").code(), absl::StatusCode::kUnavailable)
      << "and nobody is waited for";
  const int reader = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(WriteWholeFile(path_, "note").ok());
  char text[8] = {};
  EXPECT_EQ(read(reader, text, sizeof(text)), 4);
  EXPECT_STREQ(text, "note");
  close(reader);
  EXPECT_TRUE(std::filesystem::is_fifo(path_));
}

TEST_F(WholeFile, AMissingDirectoryIsNamed) {
  const absl::Status missing = WriteWholeFile(directory_.File("absent/note"), "note");
  EXPECT_EQ(missing.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(missing.message().find("absent/note"), absl::string_view::npos) << missing;
  EXPECT_NE(missing.message().find("No such file"), absl::string_view::npos) << missing;
}

// What cannot be finished is taken away again.
TEST_F(WholeFile, ADirectoryInItsPlaceLeavesNothingBeside) {
  std::filesystem::create_directory(path_);
  EXPECT_EQ(WriteWholeFile(path_, "note").code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Files(), 1u);
}

}  // namespace
}  // namespace sluice
