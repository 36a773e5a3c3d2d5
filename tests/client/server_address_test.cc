// What an address means, and the cause that is named when nobody answers.
#include "client/cpp/server_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

using testing::HasSubstr;

TEST(ChannelTarget, IsAsGivenForHostsAndNamesOfGrpc) {
  for (const char* address :
       {"127.0.0.1:7070", "[::1]:80", "localhost:1", "dns:///host:5", "ipv4:127.0.0.1:9"}) {
    EXPECT_EQ(*ChannelTarget(address), address);
  }
}

TEST(ChannelTarget, MakesAnyPathOneThatGrpcUnderstands) {
  EXPECT_EQ(*ChannelTarget("unix:/run/sluice/grpc"), "unix:/run/sluice/grpc");
  EXPECT_EQ(*ChannelTarget("unix:///run/grpc"), "unix:/run/grpc");
  EXPECT_EQ(*ChannelTarget("unix:grpc"), "unix:grpc");
  EXPECT_EQ(*ChannelTarget("unix:/a b/100%#?\xC3\xA4"), "unix:/a%20b/100%25%23%3F%C3%A4");
}

TEST(ChannelTarget, RefusesWhatCannotBeAnAddress) {
  for (const char* address : {"", "host", ":7070", "host:", "host:0", "host:65536", "host:http", "unix:"}) {
    EXPECT_EQ(ChannelTarget(address).status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
  EXPECT_TRUE(ChannelTarget(absl::StrCat("unix:", std::string(107, 'x'))).ok());
  const absl::Status longer = ChannelTarget(absl::StrCat("unix:", std::string(108, 'x'))).status();
  EXPECT_EQ(longer.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(longer.message()),
              HasSubstr("has 108 bytes; the path of a socket has at most 107"));
}

class WhyNobodyAnswersTest : public testing::Test {
 protected:
  int Bind() const {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    return listener;
  }
  std::string Why() const { return WhyNobodyAnswers(absl::StrCat("unix:", path_)); }

  const ScratchDirectory scratch_;
  const std::string path_ = scratch_.File("socket");
};

TEST_F(WhyNobodyAnswersTest, NamesAMissingSocket) {
  EXPECT_EQ(Why(), absl::StrCat("there is no socket ", path_));
}

TEST_F(WhyNobodyAnswersTest, NamesAFileThatIsNoSocket) {
  std::ofstream(path_) << "text";
  EXPECT_EQ(Why(), absl::StrCat(path_, " is not a socket"));
}

TEST_F(WhyNobodyAnswersTest, NamesASocketThatNobodyServes) {
  close(Bind());
  EXPECT_EQ(Why(), absl::StrCat("no server listens on ", path_, " any more"));
}

TEST_F(WhyNobodyAnswersTest, KnowsNoCauseWhereSomebodyListens) {
  const int listener = Bind();
  ASSERT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(Why(), "");
  close(listener);
}

TEST_F(WhyNobodyAnswersTest, NamesAnUnknownHostAndARefusal) {
  EXPECT_THAT(WhyNobodyAnswers("no-such-host.invalid:7070"),
              HasSubstr("the host 'no-such-host.invalid' is not known"));
  EXPECT_EQ(WhyNobodyAnswers("127.0.0.1:1"), "connection refused");
}

}  // namespace
}  // namespace sluice
