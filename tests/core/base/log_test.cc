#include "core/base/log.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

// Every line of the JSON format parses, whatever the message holds.
TEST(Log, JsonLinesParseWithQuotesNewlinesAndControls) {
  const ScratchDirectory directory;
  const std::string path = directory.File("log.json");
  ASSERT_TRUE(ConfigureLog({.file = path, .json = true}).ok());
  Log(LogLevel::kInfo, "model \"x\"\n", "path C:\\y", std::string(1, '\x01'));
  ASSERT_TRUE(ConfigureLog({}).ok());
  std::ifstream file(path);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  const nlohmann::json parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["level"], "info");
  EXPECT_EQ(parsed["message"], std::string("model \"x\"\npath C:\\y\x01"));
  EXPECT_FALSE(std::getline(file, line));
}

TEST(Log, LinesBelowTheLevelAreDropped) {
  ASSERT_TRUE(ConfigureLog({.level = LogLevel::kWarning}).ok());
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
  EXPECT_TRUE(LogEnabled(LogLevel::kError));
  ASSERT_TRUE(ConfigureLog({}).ok());
}

TEST(Log, UnwritableFileIsNamed) {
  const ScratchDirectory directory;
  const std::string plain_file = directory.File("plain");
  std::ofstream(plain_file) << "not a directory";
  const absl::Status status = ConfigureLog({.file = plain_file + "/x.log"});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find(plain_file + "/x.log"), absl::string_view::npos);
}

}  // namespace
}  // namespace sluice
