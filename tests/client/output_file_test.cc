#include "client/cpp/formats/output_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/thread.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class OutputFileTest : public testing::Test {
 protected:
  absl::Status WriteTo(const std::string& path, absl::string_view bytes,
                       const std::vector<std::string>& inputs = {}) {
    absl::StatusOr<std::unique_ptr<OutputFile>> file = OutputFile::Create(path, inputs);
    if (!file.ok()) return file.status();
    if (absl::Status written = (*file)->Write(bytes); !written.ok()) return written;
    return (*file)->Finish();
  }

  void ExpectRefused(const std::string& path, const std::vector<std::string>& inputs, const char* why) {
    const absl::Status status = WriteTo(path, "lost", inputs);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path << ": " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(why)) << path;
  }

  static mode_t ModeOf(const std::string& path) {
    struct stat found{};
    return stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
  }

  TemporaryDirectory directory_;
};

TEST_F(OutputFileTest, AppearsOnceItIsWhole) {
  const std::string path = directory_.Write("out", "old");
  auto file = OutputFile::Create(path, {});
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE((*file)->Write(std::string(1 << 20, 'x')).ok());
  EXPECT_EQ(directory_.Read("out"), "old");
  ASSERT_TRUE((*file)->Finish().ok());
  EXPECT_EQ(directory_.Read("out"), std::string(1 << 20, 'x'));
  EXPECT_THAT(directory_.Names(), ElementsAre("out"));
}

TEST_F(OutputFileTest, LeavesNothingWhenAbandoned) {
  const std::string path = directory_.Write("out", "old");
  {
    auto file = OutputFile::Create(path, {});
    ASSERT_TRUE((*file)->Write("half").ok());
    EXPECT_EQ(directory_.Names().size(), 2u);
  }
  EXPECT_THAT(directory_.Names(), ElementsAre("out"));
  EXPECT_EQ(directory_.Read("out"), "old");
}

// For a process that ends without destructors.
TEST_F(OutputFileTest, UnfinishedOnesCanBeRemovedFromOutside) {
  auto file = OutputFile::Create(directory_.Path("out"), {});
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(directory_.Names().size(), 1u);
  RemoveUnfinishedOutputs();
  EXPECT_THAT(directory_.Names(), testing::IsEmpty());
}

// Two at once do not write into one another, and what others laid out is not followed.
TEST_F(OutputFileTest, PartialFilesAreOnesOwn) {
  directory_.Write("out.partial", "somebody's");
  const std::string path = directory_.Path("out");
  auto one = OutputFile::Create(path, {});
  auto two = OutputFile::Create(path, {});
  ASSERT_TRUE(one.ok() && two.ok());
  ASSERT_TRUE((*one)->Write("one").ok());
  ASSERT_TRUE((*two)->Write("two").ok());
  ASSERT_TRUE((*two)->Finish().ok());
  EXPECT_EQ(directory_.Read("out"), "two");
  ASSERT_TRUE((*one)->Finish().ok());
  EXPECT_EQ(directory_.Read("out"), "one");
  EXPECT_EQ(directory_.Read("out.partial"), "somebody's");
}

TEST_F(OutputFileTest, LinksAreFollowedAndStay) {
  directory_.Write("target", "old");
  fs::create_symlink("target", directory_.Path("link"));
  fs::create_symlink(directory_.Path("link"), directory_.Path("link-to-link"));
  ASSERT_TRUE(WriteTo(directory_.Path("link-to-link"), "new").ok());
  EXPECT_EQ(directory_.Read("target"), "new");
  EXPECT_TRUE(fs::is_symlink(directory_.Path("link")));
  EXPECT_TRUE(fs::is_symlink(directory_.Path("link-to-link")));

  fs::create_directory(directory_.Path("elsewhere"));
  fs::create_symlink("elsewhere/made", directory_.Path("dangling"));
  ASSERT_TRUE(WriteTo(directory_.Path("dangling"), "made").ok());
  EXPECT_EQ(directory_.Read("elsewhere/made"), "made");
  EXPECT_TRUE(fs::is_symlink(directory_.Path("dangling")));

  fs::create_symlink("round", directory_.Path("round"));
  ExpectRefused(directory_.Path("round"), {}, "circle of symbolic links");
}

TEST_F(OutputFileTest, PermissionsArePassedOn) {
  const std::string path = directory_.Write("out", "old");
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  ASSERT_TRUE(WriteTo(path, "new").ok());
  EXPECT_EQ(ModeOf(path), 0640u);

  const mode_t mask = umask(027);
  ASSERT_TRUE(WriteTo(directory_.Path("made"), "new").ok());
  umask(mask);
  EXPECT_EQ(ModeOf(directory_.Path("made")), 0640u);
}

// Whatever it is called: an input stays as it is.
TEST_F(OutputFileTest, AnInputIsNoOutput) {
  const std::string input = directory_.Write("in", "precious");
  fs::create_symlink("in", directory_.Path("soft"));
  fs::create_hard_link(input, directory_.Path("hard"));
  fs::create_directory(directory_.Path("folder"));
  const std::string other = directory_.Write("other", "x");
  for (const std::string& name :
       {input, directory_.Path("./in"), directory_.Path("folder/../in"), directory_.Path("soft"),
        directory_.Path("hard"), fs::relative(input).string()}) {
    ExpectRefused(name, {other, input}, "is the input");
    ExpectRefused(name, {directory_.Path("soft")}, "is the input");
  }
  const int open_input = open(input.c_str(), O_WRONLY | O_APPEND);
  ExpectRefused(absl::StrCat("/dev/fd/", open_input), {input}, "is the input");
  close(open_input);
  ExpectRefused(directory_.Path("folder/deep/../out"), {directory_.Path("folder")}, "lies within the input");
  EXPECT_EQ(directory_.Read("in"), "precious");
  EXPECT_THAT(directory_.Names(), UnorderedElementsAre("in", "soft", "hard", "folder", "other"));

  EXPECT_TRUE(WriteTo(directory_.Path("out"), "new", {input, other, directory_.Path("missing")}).ok());
}

TEST_F(OutputFileTest, WhatCannotBeAnOutputIsRefused) {
  ExpectRefused(directory_.Path(""), {}, "is a directory");
  ExpectRefused(directory_.Path("missing/out"), {}, "No such file or directory");
  ExpectRefused(directory_.Path("missing/"), {}, "names no file");
  ExpectRefused("", {}, "names no file");
  directory_.Write("file", "");
  ExpectRefused(directory_.Path("file/out"), {}, "Not a directory");
  ExpectRefused("/dev/fd/987654", {}, "Bad file descriptor");
}

TEST_F(OutputFileTest, AFifoGetsTheBytesAndStays) {
  const std::string path = directory_.Path("fifo");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  fs::create_symlink("fifo", directory_.Path("link"));
  std::string read;
  Thread reader("reader", [&] { read = directory_.Read("fifo"); });
  const std::string bytes(300'000, 'x');
  EXPECT_TRUE(WriteTo(directory_.Path("link"), bytes).ok());
  reader.Join();
  EXPECT_EQ(read, bytes);
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_TRUE(fs::is_symlink(directory_.Path("link")));
}

TEST_F(OutputFileTest, ADeviceIsWrittenToAndStays) {
  EXPECT_TRUE(WriteTo("/dev/null", "gone").ok());
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  const absl::Status full = WriteTo("/dev/full", "no room");
  EXPECT_EQ(full.message(), "/dev/full: No space left on device");
  EXPECT_TRUE(IsOutputError(full));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
}

TEST_F(OutputFileTest, ASocketIsConnectedTo) {
  const std::string path = directory_.Path("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, path.size());
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  ASSERT_TRUE(WriteTo(path, "hello").ok());
  const int connection = accept(listener, nullptr, nullptr);
  char read[16];
  EXPECT_EQ(::read(connection, read, sizeof(read)), 5);
  close(connection);
  close(listener);
  EXPECT_TRUE(fs::is_socket(path));
}

// A descriptor of ours is written to where it stands, as the shell set it up: what is in the file stays.
TEST_F(OutputFileTest, ADescriptorIsWrittenToWhereItStands) {
  const std::string path = directory_.Write("log", "before\n");
  const int log = open(path.c_str(), O_WRONLY | O_APPEND);
  fs::create_symlink(absl::StrCat("/dev/fd/", log), directory_.Path("link"));
  for (const std::string& name : {absl::StrCat("/dev/fd/", log), absl::StrCat("/dev/../dev//fd/", log),
                                  absl::StrCat("/proc/self/fd/", log), directory_.Path("link")}) {
    EXPECT_TRUE(WriteTo(name, "after\n").ok()) << name;
  }
  close(log);
  EXPECT_EQ(directory_.Read("log"), "before\nafter\nafter\nafter\nafter\n");
  EXPECT_THAT(directory_.Names(), UnorderedElementsAre("log", "link"));
}

// With a file under standard output, replacing that file would lose what is printed.
TEST_F(OutputFileTest, WhereStandardOutputGoesIsRefused) {
  const std::string path = directory_.Write("printed", "");
  const int before = dup(STDOUT_FILENO);
  const int printed = open(path.c_str(), O_WRONLY);
  dup2(printed, STDOUT_FILENO);
  const absl::Status refused = WriteTo(path, "x");
  const absl::Status through = WriteTo("/dev/stdout", "x");
  dup2(before, STDOUT_FILENO);
  close(before);
  close(printed);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("is where standard output goes"));
  EXPECT_TRUE(through.ok()) << through;
  EXPECT_EQ(directory_.Read("printed"), "x");
}

TEST_F(OutputFileTest, LongNamesHaveRoomForTheirPartialFile) {
  const std::string name(250, 'n');
  EXPECT_TRUE(WriteTo(directory_.Path(name), "new").ok());
  EXPECT_EQ(directory_.Read(name), "new");
}

}  // namespace
}  // namespace sluice
