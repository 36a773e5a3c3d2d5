#include "core/base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
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

// Nobody who is quoted begins a line of his own, or steers the terminal that the log is read on.
TEST(Log, ATextLineIsOneLineOfPlainText) {
  const ScratchDirectory directory;
  const std::string path = directory.File("log");
  ASSERT_TRUE(ConfigureLog({.file = path}).ok());
  Log(LogLevel::kInfo, "flag 'a\n2026 error forged\x1b[2J\u202E\xFF'");
  ASSERT_TRUE(ConfigureLog({}).ok());
  std::ifstream file(path);
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_NE(line.find(R"(flag 'a\n2026 error forged\x1b[2J\u202e\xff')"), std::string::npos) << line;
  EXPECT_FALSE(std::getline(file, line));
}

TEST(Log, LinesBelowTheLevelAreDropped) {
  ASSERT_TRUE(ConfigureLog({.level = LogLevel::kWarning}).ok());
  EXPECT_FALSE(LogEnabled(LogLevel::kInfo));
  EXPECT_TRUE(LogEnabled(LogLevel::kError));
  ASSERT_TRUE(ConfigureLog({}).ok());
}

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// As logrotate does it, without a signal.
TEST(Log, AFileThatIsRenamedOrRemovedIsMadeAnew) {
  const ScratchDirectory directory;
  const std::string path = directory.File("log");
  ASSERT_TRUE(ConfigureLog({.file = path}).ok());
  Log(LogLevel::kInfo, "first");
  std::filesystem::rename(path, path + ".1");
  Log(LogLevel::kInfo, "second");
  EXPECT_NE(Read(path + ".1").find("first"), std::string::npos);
  EXPECT_EQ(Read(path + ".1").find("second"), std::string::npos);
  EXPECT_NE(Read(path).find("second"), std::string::npos);
  std::filesystem::remove(path);
  Log(LogLevel::kInfo, "third");
  EXPECT_NE(Read(path).find("third"), std::string::npos);
  ASSERT_TRUE(ConfigureLog({}).ok());
}

// The lines go where the last ones went, and to the file again once it can be made.
TEST(Log, AFileWhoseDirectoryIsMovedIsFollowed) {
  const ScratchDirectory directory;
  std::filesystem::create_directory(directory.File("logs"));
  ASSERT_TRUE(ConfigureLog({.file = directory.File("logs/log")}).ok());
  std::filesystem::rename(directory.File("logs"), directory.File("moved"));
  Log(LogLevel::kInfo, "first");
  EXPECT_NE(Read(directory.File("moved/log")).find("first"), std::string::npos);
  std::filesystem::create_directory(directory.File("logs"));
  Log(LogLevel::kInfo, "second");
  EXPECT_NE(Read(directory.File("logs/log")).find("second"), std::string::npos);
  ASSERT_TRUE(ConfigureLog({}).ok());
}

// A FIFO that nobody empties refuses lines as a full disk does.
TEST(Log, LinesThatCannotBeWrittenAreCounted) {
  const ScratchDirectory directory;
  const std::string path = directory.File("log");
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(ConfigureLog({.file = path}).code(), absl::StatusCode::kUnavailable) << "without a reader";
  const int reader = open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_TRUE(ConfigureLog({.file = path}).ok());
  const std::string line(4000, 'x');
  for (int i = 0; i < 1000; ++i) Log(LogLevel::kInfo, line);
  std::string taken(8 << 20, '\0');
  while (read(reader, taken.data(), taken.size()) > 0) {
  }
  Log(LogLevel::kInfo, "last");
  taken.resize(static_cast<size_t>(read(reader, taken.data(), taken.size())));
  close(reader);
  const size_t counted = taken.find("lines that could not be written before: ");
  EXPECT_NE(counted, std::string::npos) << taken;
  EXPECT_NE(taken.find("last", counted), std::string::npos) << taken;
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
