#include "core/base/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace sluice {
namespace {

// In a process of its own: 0 when all is as it should be.
[[noreturn]] void StartWithoutStandardDescriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) close(descriptor);
  OccupyStandardDescriptors();
  char byte = 0;
  const bool read_fails = read(STDIN_FILENO, &byte, 1) == -1 && errno == EBADF;
  const bool write_fails = write(STDOUT_FILENO, "x", 1) == -1 && errno == EBADF;
  const bool errors_vanish = write(STDERR_FILENO, "x", 1) == 1;
  const bool next_is_another = open("/dev/null", O_RDONLY) > STDERR_FILENO;
  _exit(read_fails && write_fails && errors_vanish && next_is_another ? 0 : 1);
}

TEST(OccupyStandardDescriptorsTest, NoFileGetsTheirNumbers) {
  EXPECT_EXIT(StartWithoutStandardDescriptors(), testing::ExitedWithCode(0), "");
}

TEST(OccupyStandardDescriptorsTest, LeavesWhatIsOpen) {
  const int before = fcntl(STDOUT_FILENO, F_GETFL);
  OccupyStandardDescriptors();
  EXPECT_EQ(fcntl(STDOUT_FILENO, F_GETFL), before);
}

TEST(WriteAllTest, SaysWhyNot) {
  const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
  EXPECT_EQ(WriteAll(full, "x"), std::errc::no_space_on_device);
  EXPECT_FALSE(WriteAll(full, ""));
  EXPECT_EQ(WriteAll(-1, "x"), std::errc::bad_file_descriptor);
  close(full);
}

}  // namespace
}  // namespace sluice
