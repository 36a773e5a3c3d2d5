// What is listened on, what is never taken from others, and what a message names as the cause.
#include "server/net/listening_sockets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/net/socket_address.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

using testing::HasSubstr;

class ListeningSocketsTest : public testing::Test {
 protected:
  std::string Path() const { return absl::StrCat(directory_, "/socket"); }
  std::string Address() const { return absl::StrCat("unix:", Path()); }

  static void ExpectFailure(const std::string& address, absl::StatusCode code, const std::string& cause) {
    const auto opened = ListeningSockets::Open(address);
    EXPECT_EQ(opened.status().code(), code) << opened.status();
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr(cause));
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr(address));
  }

  static bool Connects(const SocketAddress& address) {
    const int client = socket(address.family(), SOCK_STREAM, 0);
    const bool connected = connect(client, address.get(), address.size) == 0;
    close(client);
    return connected;
  }

  const ScratchDirectory scratch_;
  const std::string directory_ = scratch_.path();
};

TEST_F(ListeningSocketsTest, NamesAMissingDirectory) {
  ExpectFailure(absl::StrCat("unix:", directory_, "/none/socket"), absl::StatusCode::kNotFound,
                absl::StrCat("the directory ", directory_, "/none does not exist"));
}

TEST_F(ListeningSocketsTest, NamesAFileWhereADirectoryShouldBe) {
  std::ofstream(absl::StrCat(directory_, "/file")) << "text";
  ExpectFailure(absl::StrCat("unix:", directory_, "/file/socket"), absl::StatusCode::kFailedPrecondition,
                absl::StrCat(directory_, "/file is not a directory"));
}

TEST_F(ListeningSocketsTest, NamesTheBoundOfAPath) {
  const std::string path = absl::StrCat(directory_, "/", std::string(107 - directory_.size(), 'x'));
  ExpectFailure(absl::StrCat("unix:", path), absl::StatusCode::kInvalidArgument,
                "has 108 bytes; the path of a socket has at most 107");
  const auto longest = ListeningSockets::Open(absl::StrCat("unix:", path.substr(0, 107)));
  EXPECT_TRUE(longest.ok()) << longest.status();
}

TEST_F(ListeningSocketsTest, LeavesAFileThatIsNoSocketAlone) {
  std::ofstream(Path()) << "text";
  ExpectFailure(Address(), absl::StatusCode::kFailedPrecondition, "is there and is no socket");
  EXPECT_EQ(std::filesystem::file_size(Path()), 4u);
}

TEST_F(ListeningSocketsTest, LeavesTheSocketOfALiveServerAlone) {
  const auto live = ListeningSockets::Open(Address());
  ASSERT_TRUE(live.ok()) << live.status();
  ExpectFailure(Address(), absl::StatusCode::kUnavailable, "another process listens");
  EXPECT_TRUE(Connects(*PathAddress(Path())));
}

// Its queue is full, which a connection that waits would wait for.
TEST_F(ListeningSocketsTest, LeavesTheSocketOfABusyServerAlone) {
  const int busy = socket(AF_UNIX, SOCK_STREAM, 0);
  const SocketAddress address = *PathAddress(Path());
  ASSERT_EQ(bind(busy, address.get(), address.size), 0);
  ASSERT_EQ(listen(busy, 0), 0);
  const int waiting = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(connect(waiting, address.get(), address.size), 0);
  ExpectFailure(Address(), absl::StatusCode::kUnavailable, "another process listens");
  EXPECT_TRUE(std::filesystem::exists(Path()));
  close(waiting);
  close(busy);
}

TEST_F(ListeningSocketsTest, ReplacesASocketThatNobodyServes) {
  const int stale = socket(AF_UNIX, SOCK_STREAM, 0);
  const SocketAddress address = *PathAddress(Path());
  ASSERT_EQ(bind(stale, address.get(), address.size), 0);
  close(stale);
  const auto opened = ListeningSockets::Open(Address());
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->address(), Address());
  EXPECT_TRUE(Connects(address));
}

TEST_F(ListeningSocketsTest, RemovesItsPathAtTheEnd) {
  auto opened = ListeningSockets::Open(absl::StrCat("unix://", Path()));
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_TRUE(std::filesystem::exists(Path()));
  opened->Close();
  EXPECT_FALSE(std::filesystem::exists(Path()));
}

// Its path was cleaned away, and another server has it now.
TEST_F(ListeningSocketsTest, LeavesThePathThatIsAnothersAtTheEnd) {
  auto first = ListeningSockets::Open(Address());
  ASSERT_TRUE(first.ok()) << first.status();
  std::filesystem::remove(Path());
  const auto second = ListeningSockets::Open(Address());
  ASSERT_TRUE(second.ok()) << second.status();
  first->Close();
  EXPECT_TRUE(Connects(*PathAddress(Path())));
}

TEST_F(ListeningSocketsTest, NamesAPortInUse) {
  const auto first = ListeningSockets::Open("127.0.0.1:0");
  ASSERT_TRUE(first.ok()) << first.status();
  ExpectFailure(first->address(), absl::StatusCode::kUnavailable, "the port is in use by another process");
}

TEST_F(ListeningSocketsTest, NamesAnAddressOfAnotherMachine) {
  ExpectFailure("192.0.2.1:0", absl::StatusCode::kFailedPrecondition,
                "192.0.2.1 is no address of this machine");
}

TEST_F(ListeningSocketsTest, NamesAnUnknownHost) {
  ExpectFailure("no-such-host.invalid:0", absl::StatusCode::kNotFound,
                "the host 'no-such-host.invalid' is not known");
}

TEST_F(ListeningSocketsTest, ListensOnEveryAddressOfTheWildcard) {
  const auto opened = ListeningSockets::Open("0.0.0.0:0");
  ASSERT_TRUE(opened.ok()) << opened.status();
  SocketAddress loopback = HostAddresses("127.0.0.1:0")->front();
  SetPort(loopback, PortOf(LocalAddress(opened->descriptors().back())));
  EXPECT_TRUE(Connects(loopback));
  EXPECT_EQ(opened->address(), absl::StrCat("0.0.0.0:", PortOf(loopback)));
}

}  // namespace
}  // namespace sluice
