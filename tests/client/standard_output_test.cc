#include "client/cpp/command/standard_output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "core/base/thread.h"

namespace sluice {
namespace {

// A pipe whose reading end may be closed.
class StandardOutputTest : public testing::Test {
 protected:
  StandardOutputTest() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe(ends), 0);
    read_ = ends[0];
    write_ = ends[1];
  }
  ~StandardOutputTest() override {
    if (read_ >= 0) close(read_);
    close(write_);
  }

  std::string ReadSome() const {
    char bytes[1 << 16];
    const ssize_t size = read(read_, bytes, sizeof(bytes));
    return size < 0 ? "" : std::string(bytes, static_cast<size_t>(size));
  }

  int read_ = -1;
  int write_ = -1;
};

TEST_F(StandardOutputTest, WritesWhatIsFlushed) {
  StandardOutput output({.descriptor = write_});
  output.stream() << "rank " << 1 << '\n' << "half" << std::flush;
  EXPECT_EQ(ReadSome(), "rank 1\nhalf");
  EXPECT_TRUE(output.stream().good());
  EXPECT_FALSE(output.error());
}

// A terminal shows each line at once; elsewhere nothing is cut within a line.
TEST_F(StandardOutputTest, WritesWholeLines) {
  StandardOutput lines({.descriptor = write_, .line_by_line = true});
  lines.stream() << "one\ntwo\nhal";
  EXPECT_EQ(ReadSome(), "one\ntwo\n");

  StandardOutput output({.descriptor = write_});
  const std::string line = std::string(40'000, 'x') + '\n';
  output.stream() << line << std::string(30'000, 'y');
  EXPECT_EQ(ReadSome(), line);
}

TEST_F(StandardOutputTest, RemembersWhyItFailedAndSaysItOnce) {
  int failures = 0;
  StandardOutput output(
      {.descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC), .failed = [&] { ++failures; }});
  output.stream() << "lost";
  EXPECT_EQ(failures, 0);
  output.stream() << std::flush << "more" << std::flush;
  EXPECT_FALSE(output.stream().good());
  EXPECT_EQ(output.error(), std::errc::no_space_on_device);
  EXPECT_EQ(failures, 1);
}

TEST_F(StandardOutputTest, AClosedOneAndOneForReadingFail) {
  for (const int descriptor : {-1, read_}) {
    StandardOutput output({.descriptor = descriptor});
    output.stream() << "lost" << std::flush;
    EXPECT_EQ(output.error(), std::errc::bad_file_descriptor);
  }
}

// Whoever made the pipe may have made it one that does not wait.
TEST_F(StandardOutputTest, WaitsForRoom) {
  ASSERT_EQ(fcntl(write_, F_SETFL, O_NONBLOCK), 0);
  const std::string text(1 << 20, 'x');
  std::string arrived;
  Thread reader("reader", [&] {
    while (arrived.size() < text.size()) arrived += ReadSome();
  });
  StandardOutput output({.descriptor = write_});
  output.stream() << text << std::flush;
  reader.Join();
  EXPECT_TRUE(output.stream().good());
  EXPECT_EQ(arrived, text);
}

}  // namespace
}  // namespace sluice
