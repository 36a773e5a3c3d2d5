// `sluice load` over real gRPC.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "absl/strings/str_split.h"
#include "client/cpp/command/load_calls.h"
#include "client/cpp/command/run.h"
#include "tests/fakes/fake_batch_server.h"

namespace sluice {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class LoadCommandTest : public testing::Test {
 protected:
  ExitCode Run(FakeBatchServer::Script script, std::vector<std::string> arguments) {
    FakeBatchServer server(std::move(script));
    // With the default deadline a machine that stands still for two seconds would change the counts.
    arguments.insert(arguments.begin(),
                     {"--server=" + server.address(), "load", "--connections=2", "--deadline-ms=60000"});
    Terminal terminal{out_, err_};
    return RunCommand(arguments, terminal, Clock::Real(), interruption_);
  }

  Interruption interruption_;
  std::ostringstream out_, err_;
};

TEST_F(LoadCommandTest, EveryStepOfASweepIsReportedAsJson) {
  ASSERT_EQ(Run({}, {"--rate=200", "--sweep=1,2", "--duration=0.1025", "--arrivals=fixed", "--json"}),
            ExitCode::kDone)
      << err_.str();
  const std::vector<std::string> lines = absl::StrSplit(out_.str(), '\n', absl::SkipEmpty());
  ASSERT_THAT(lines, SizeIs(2));
  const auto once = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(once["step"], "1x");
  EXPECT_EQ(once["due"], 20);
  EXPECT_EQ(once["answered"]["count"], 20);
  EXPECT_EQ(nlohmann::json::parse(lines[1])["due"], 40);
}

TEST_F(LoadCommandTest, RefusalsAreCountedByReasonAndNotRetried) {
  FakeBatchServer::Script script;
  script.failures["Embed"] = {3, grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full")};
  ASSERT_EQ(Run(script, {"--rate=100", "--duration=0.105", "--arrivals=fixed"}), ExitCode::kDone)
      << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("refused 3"));
  EXPECT_THAT(out_.str(), HasSubstr("RESOURCE_EXHAUSTED 3"));
}

TEST_F(LoadCommandTest, BatchesAreCreatedAndRefusalsCounted) {
  FakeBatchServer::Script script;
  script.failures["CreateBatch"] = {2, grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "full")};
  ASSERT_EQ(Run(script, {"--target=batches", "--texts=5", "--rate=100", "--duration=0.105",
                         "--arrivals=fixed", "--json"}),
            ExitCode::kDone)
      << err_.str();
  const auto step = nlohmann::json::parse(out_.str());
  EXPECT_EQ(step["answered"]["count"], 8);
  EXPECT_EQ(step["reasons"]["RESOURCE_EXHAUSTED"], 2);
}

// The end of the connections waits for the last answer and no longer: whoever is woken by it may destroy the
// channel while the thread that brought it still runs.
TEST_F(LoadCommandTest, ConnectionsMayEndInTheMomentOfTheLastAnswer) {
  FakeBatchServer server;
  for (int round = 0; round < 100; ++round) {
    const absl::StatusOr<std::unique_ptr<LoadCalls>> calls = ConnectLoadCalls(server.address(), 1);
    ASSERT_TRUE(calls.ok()) << calls.status();
    v1::EmbedRequest request;
    request.add_texts("one");
    (*calls)->Start(request, absl::Seconds(10), [](absl::Status) {});
  }
}

TEST_F(LoadCommandTest, WithoutARateTheCapacityIsMeasuredFirst) {
  ASSERT_EQ(Run({}, {"--duration=0.1", "--capacity-in-flight=2"}), ExitCode::kDone) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("capacity"));
  EXPECT_THAT(out_.str(), HasSubstr("1x"));
}

TEST_F(LoadCommandTest, WrongFlagsAreNamed) {
  for (const auto& [flag, word] :
       std::vector<std::pair<std::string, std::string>>{{"--words=0:1", "--words"},
                                                        {"--sweep=0", "--sweep"},
                                                        {"--rate=-1", "--rate"},
                                                        {"--target=x", "--target"},
                                                        {"--texts=0", "--texts"}}) {
    EXPECT_EQ(Run({}, {flag}), ExitCode::kBadInput);
    EXPECT_THAT(err_.str(), HasSubstr(word));
  }
}

}  // namespace
}  // namespace sluice
