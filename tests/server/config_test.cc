#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "server/config/config_sources.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

std::optional<std::string> NoVariable(const std::string&) {
  return std::nullopt;
}

absl::StatusOr<Config> Load(
    const std::vector<std::string>& arguments,
    const std::function<std::optional<std::string>(const std::string&)>& get = NoVariable) {
  const absl::StatusOr<CommandLine> line = ParseCommandLine(arguments);
  if (!line.ok()) return line.status();
  return LoadConfig(*line, get);
}

class ConfigFile : public testing::Test {
 protected:
  std::string WriteFile(const std::string& text) const {
    std::ofstream(path_) << text;
    return path_;
  }

 private:
  const ScratchDirectory directory_;
  const std::string path_ = directory_.File("config.yaml");
};

TEST(Config, TakesFlags) {
  const auto config = Load({"--data=d", "--device=none", "--listen=unix:/x", "--replicas=3", "--reflection",
                            "--drain-timeout=2s", "--log-format=json"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data, "d");
  EXPECT_EQ(config->listen, "unix:/x");
  EXPECT_EQ(config->tier.device, DeviceRequest::kNone);
  EXPECT_EQ(config->tier.replicas, 3);
  EXPECT_TRUE(config->reflection);
  EXPECT_EQ(config->drain_timeout, absl::Seconds(2));
  EXPECT_TRUE(config->log.json);
}

TEST(Config, CalibrationIsRememberedUnlessAFreshOneIsAskedFor) {
  EXPECT_FALSE(Load({"--data=d", "--device=none"})->measure_anew);
  EXPECT_FALSE(Load({"--data=d", "--device=none", "--calibration=auto"})->measure_anew);
  EXPECT_TRUE(Load({"--data=d", "--device=none", "--calibration=fresh"})->measure_anew);
  EXPECT_THAT(std::string(Load({"--data=d", "--device=none", "--calibration=never"}).status().message()),
              HasSubstr("--calibration: 'never' is none of auto, fresh"));
}

// A self-test starts no server: it needs a model and nowhere to keep batches.
TEST(Config, ASelfTestNeedsAModelOnly) {
  EXPECT_TRUE(Load({"--self-test", "--model=m"})->self_test);
  EXPECT_THAT(std::string(Load({"--self-test"}).status().message()), HasSubstr("--self-test needs --model"));
}

// The bounds of the door, and what they are when nobody says anything.
TEST(Config, TakesTheDoorsBounds) {
  const auto config =
      Load({"--data=d", "--device=none", "--max-queued-jobs=10", "--max-queued-jobs-per-tenant=5",
            "--min-free-disk-mib=3", "--max-memory-mib=100", "--max-bytes-in-flight-mib=7", "--max-uploads=2",
            "--max-streams=4", "--max-calls=6", "--max-connections=7", "--call-wait-target=50ms",
            "--reader-timeout=5s", "--upload-timeout=7s"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->door.max_queued_jobs, 10);
  EXPECT_EQ(config->door.max_queued_jobs_per_tenant, 5);
  EXPECT_EQ(config->door.min_free_disk_bytes, 3 << 20);
  EXPECT_EQ(config->door.max_memory_bytes, 100 << 20);
  EXPECT_EQ(config->door.max_bytes_in_flight, 7 << 20);
  EXPECT_EQ(config->door.max_uploads, 2);
  EXPECT_EQ(config->door.max_streams, 4);
  EXPECT_EQ(config->max_connections, 7);
  EXPECT_EQ(config->door.max_calls, 6);
  EXPECT_EQ(config->call_wait_target, absl::Milliseconds(50));
  EXPECT_EQ(config->reader_timeout, absl::Seconds(5));
  EXPECT_EQ(config->upload_timeout, absl::Seconds(7));

  const auto unsaid = Load({"--data=d", "--device=none", "--max-memory-mib=0"});
  ASSERT_TRUE(unsaid.ok()) << unsaid.status();
  EXPECT_EQ(unsaid->door.max_calls, 1024);
  EXPECT_EQ(unsaid->door.min_free_disk_bytes, 512 << 20);
  EXPECT_EQ(unsaid->door.max_memory_bytes, INT64_MAX);
  EXPECT_EQ(unsaid->call_wait_target, absl::Milliseconds(200));
}

// Off is zero, and what lies between that and the least that is of use is a mistake.
TEST(Config, TakesTheSizeOfTheEmbeddingCache) {
  EXPECT_EQ(Load({"--data=d", "--device=none"})->embedding_cache_bytes, 256 << 20);
  EXPECT_EQ(Load({"--data=d", "--device=none", "--embedding-cache-mib=0"})->embedding_cache_bytes, 0);
  EXPECT_EQ(Load({"--data=d", "--device=none", "--embedding-cache-mib=16"})->embedding_cache_bytes, 16 << 20);
}

// Flag before environment before file before what is built in.
TEST_F(ConfigFile, StrongerSourcesWin) {
  const std::string file = WriteFile("data: file\nmodel: file\nlog_level: error\nreplicas: 1\n");
  const auto get = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SLUICE_MODEL" || name == "SLUICE_DATA") return "environment";
    return std::nullopt;
  };
  const auto config = Load({"--config=" + file, "--data=flag"}, get);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->data, "flag");
  EXPECT_EQ(config->model, "environment");
  EXPECT_EQ(config->log.level, LogLevel::kError);
  EXPECT_EQ(config->admin, "127.0.0.1:7090");
}

// Every mistake is named with its place.
TEST(Config, NamesWhatIsWrongAndWhere) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--data=d", "--device=gpu"}, "--device: 'gpu' is none of auto, cuda, mps, cpu, none"},
      {{"--data=d", "--device=none", "--replicas=x"}, "--replicas: 'x' is not a whole number"},
      {{"--data=d", "--device=none", "--replicas=65"}, "--replicas: 65 is out of range, 0 to 64"},
      {{"--data=d", "--device=none", "--listen=7070"}, "--listen: '7070' is not host:port"},
      {{"--data=d", "--device=none", "--store=mysql"}, "--store: 'mysql' is not sqlite"},
      {{"--data=d", "--device=none", "--listen=0.0.0.0:7070"}, "--insecure-i-know"},
      {{"--data=d", "--device=none", "--embedding-cache-mib=15"},
       "--embedding-cache-mib: 15 is too small: 0 for none, or at least 16"},
      {{"--data=d", "--device=none", "--max-calls=0"}, "--max-calls: 0 is out of range"},
      {{"--data=d", "--device=none", "--call-wait-target=0s"},
       "--call-wait-target: 0s is out of range, 1ms to 1m"},
      {{"--data=d"}, "--model is missing"},
      {{"--device=none"}, "--data is missing"},
      {{"--colour=red"}, "--colour"},
  };
  for (const auto& [arguments, message] : cases) {
    const auto config = Load(arguments);
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(message));
  }
}

TEST_F(ConfigFile, ErrorsNameTheLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"data: d\nmodell: m\n", ":2: unknown key 'modell'"},
      {"data: d\ndata: e\n", ":2: data is there twice"},
      {"data:\n  - d\n", ":1: data needs one plain value"},
      {"data: [d\n", ":2: "},
      {"device: none\ndata: d\nreplicas: many\n", ":3: replicas: 'many' is not a whole number"},
  };
  for (const auto& [text, message] : cases) {
    const auto config = Load({"--config=" + WriteFile(text)});
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(message));
  }
  EXPECT_EQ(Load({"--config=no/such.yaml"}).status().code(), absl::StatusCode::kNotFound);
}

// A directory opens like a file and fails when it is read; a link that leads to itself does not open.
TEST_F(ConfigFile, WhatCannotBeReadIsSaidAsTheSystemSaysIt) {
  const std::string path = WriteFile("data: d\n");
  const auto error = [](const std::string& file) {
    const absl::Status status = Load({"--config=" + file}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(error(std::filesystem::path(path).parent_path().string()), HasSubstr(": Is a directory"));
  EXPECT_THAT(error(path + "/below"), HasSubstr(": Not a directory"));
  const std::string loop = path + ".loop";
  std::filesystem::create_symlink(loop, loop);
  EXPECT_THAT(error(loop), HasSubstr(": Too many levels of symbolic links"));
}

TEST(Config, KnowsLoopback) {
  EXPECT_TRUE(IsLoopback("127.0.0.1:1"));
  EXPECT_TRUE(IsLoopback("localhost:1"));
  EXPECT_TRUE(IsLoopback("[::1]:1"));
  EXPECT_TRUE(IsLoopback("unix:/run/s"));
  EXPECT_FALSE(IsLoopback("0.0.0.0:1"));
  EXPECT_FALSE(IsLoopback("[::]:1"));
  EXPECT_FALSE(IsLoopback("example.org:1"));
}

}  // namespace
}  // namespace sluice
