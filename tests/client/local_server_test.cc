#include "client/cpp/command/local_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/client/temporary_file.h"

namespace sluice {
namespace {

using testing::HasSubstr;

// A script stands for sluiced: what is tested is how a server is started, awaited and ended.
class LocalServerTest : public testing::Test {
 protected:
  LocalServerOptions Options(const std::string& script) {
    LocalServerOptions options;
    options.binary = directory_.Write("sluiced", "#!/bin/sh\n" + script);
    chmod(options.binary.c_str(), 0700);
    options.data_directory = directory_.Path("cache/sluice");
    options.runtime_parent = directory_.Path("");
    return options;
  }

  absl::StatusOr<std::unique_ptr<LocalServer>> Start(const LocalServerOptions& options) {
    return LocalServer::Start(options, Clock::Real(), interruption_, [](absl::Duration) {});
  }

  int RuntimeDirectories() const {
    int found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.Path(""))) {
      found += entry.path().filename().string().rfind("sluice-", 0) == 0 ? 1 : 0;
    }
    return found;
  }

  TemporaryDirectory directory_;
  Interruption interruption_;
};

// Writes its flags and process id beside itself, says it is ready, then waits to be ended.
constexpr char kGoodServer[] =
    "dir=$(dirname \"$0\")\n"
    "echo \"$@\" > \"$dir/flags\"\n"
    "echo $$ > \"$dir/pid\"\n"
    "for flag in \"$@\"; do case \"$flag\" in --ready-file=*) echo '{}' > \"${flag#--ready-file=}\";; esac; "
    "done\n"
    "exec sleep 600\n";

TEST_F(LocalServerTest, StartsAwaitsAndEndsTheServer) {
  pid_t child = 0;
  {
    const auto server = Start(Options(kGoodServer));
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_THAT((*server)->address(), testing::StartsWith("unix:"));
    const std::string flags = directory_.Read("flags");
    EXPECT_THAT(flags, HasSubstr("--listen=" + (*server)->address()));
    EXPECT_THAT(flags, HasSubstr("--data=" + directory_.Path("cache/sluice")));
    ASSERT_TRUE(absl::SimpleAtoi(directory_.Read("pid"), &child));
    EXPECT_EQ(kill(child, 0), 0);
    EXPECT_EQ(RuntimeDirectories(), 1);
  }
  EXPECT_EQ(kill(child, 0), -1);
  EXPECT_EQ(RuntimeDirectories(), 0);
}

// What a self-test found is its exit code.
TEST_F(LocalServerTest, RunsAProgramToItsEnd) {
  const std::string script = Options("[ \"$1 $2\" = '--self-test --model=m' ] && exit 1\nexit 2\n").binary;
  EXPECT_EQ(RunToItsEnd(script, {"--self-test", "--model=m"}).value(), 1);
  EXPECT_EQ(RunToItsEnd(script, {}).value(), 2);
  EXPECT_EQ(RunToItsEnd(Options("kill -9 $$\n").binary, {}).value(), 128 + 9);
  EXPECT_EQ(RunToItsEnd(directory_.Path("none"), {}).status().code(), absl::StatusCode::kUnavailable);
}

TEST_F(LocalServerTest, AServerThatEndsIsReportedWithItsLastWords) {
  const auto server = Start(Options("echo 'model.safetensors: no such file' >&2\nexit 2\n"));
  EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("model.safetensors: no such file"));
  EXPECT_EQ(RuntimeDirectories(), 0);
}

TEST_F(LocalServerTest, AServerThatIsNeverReadyIsGivenUp) {
  LocalServerOptions options = Options("exec sleep 600\n");
  options.ready_timeout = absl::Milliseconds(100);
  EXPECT_THAT(std::string(Start(options).status().message()), HasSubstr("was not ready within 100ms"));
}

// One that does not listen to SIGTERM is killed.
TEST_F(LocalServerTest, AStubbornServerIsKilled) {
  LocalServerOptions options = Options(std::string("trap '' TERM\n") + kGoodServer);
  options.stop_timeout = absl::Milliseconds(100);
  {
    ASSERT_TRUE(Start(options).ok());
  }
  pid_t child = 0;
  ASSERT_TRUE(absl::SimpleAtoi(directory_.Read("pid"), &child));
  EXPECT_EQ(kill(child, 0), -1);
}

TEST_F(LocalServerTest, InterruptionEndsTheWait) {
  interruption_.Interrupt();
  EXPECT_EQ(Start(Options("exec sleep 600\n")).status().code(), absl::StatusCode::kCancelled);
}

TEST_F(LocalServerTest, PathsTooLongForASocketAreSaidToBe) {
  LocalServerOptions options = Options(kGoodServer);
  options.runtime_parent = directory_.Path(std::string(120, 'x'));
  std::filesystem::create_directory(options.runtime_parent);
  EXPECT_THAT(std::string(Start(options).status().message()), HasSubstr("too long for a socket"));
}

}  // namespace
}  // namespace sluice
