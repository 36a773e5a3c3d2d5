#include "server/library_logs.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "core/base/log.h"
#include "sluice/v1/batches.pb.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

// All that is printed with the log in a file goes there, a JSON line each, and nothing of what was sent.
TEST(LibraryLogs, GoIntoTheLogWithoutWhatAClientSent) {
  const ScratchDirectory directory;
  const std::string path = directory.File("log.json");
  ASSERT_TRUE(ConfigureLog({.file = path, .json = true}).ok());
  RouteLibraryLogs();
  gpr_log_verbosity_init();  // as gRPC does with its first channel or server
  testing::internal::CaptureStderr();
  gpr_log(GPR_ERROR, "Error parsing metadata: error=not a number key=grpc-timeout value=a secret");
  std::string bytes = v1::GetBatchRequest().SerializeAsString() + "\x0a\x08" + "secret" + "\xff\xfe";
  EXPECT_FALSE(v1::GetBatchRequest().ParseFromString(bytes));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_TRUE(ConfigureLog({}).ok());
  std::ifstream file(path);
  std::vector<std::string> messages;
  for (std::string line; std::getline(file, line);) {
    EXPECT_FALSE(absl::StrContains(line, "secret")) << line;
    messages.push_back(nlohmann::json::parse(line)["message"]);
  }
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_TRUE(absl::StartsWith(messages[0], "gRPC at library_logs_test.cc:")) << messages[0];
  EXPECT_TRUE(absl::StrContains(messages[0], ": Error parsing metadata…")) << messages[0];
  EXPECT_TRUE(absl::StartsWith(messages[1], "protobuf at ")) << messages[1];
}

// A client that sends rubbish without end writes a line a second, and the next one says how many it stands
// for.
TEST(LineBudget, LetsTenThroughAtOnceThenOneASecond) {
  LineBudget budget;
  absl::Duration now = absl::Hours(5);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(budget.Take(now), 0) << i;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(budget.Take(now + absl::Milliseconds(i) * 0.9), std::nullopt) << i;
  EXPECT_EQ(budget.Take(now + absl::Seconds(1)), 1000);
  EXPECT_EQ(budget.Take(now + absl::Seconds(1)), std::nullopt);
  EXPECT_EQ(budget.Take(now + absl::Seconds(2)), 1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(budget.Take(now + absl::Hours(1)), 0) << i;
  EXPECT_EQ(budget.Take(now + absl::Hours(1)), std::nullopt);
}

}  // namespace
}  // namespace sluice
