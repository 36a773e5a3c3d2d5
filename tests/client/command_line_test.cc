#include "client/cpp/command/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CommandLine Parse(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCommandLine(arguments);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() && std::holds_alternative<CommandLine>(*parsed) ? std::get<CommandLine>(*parsed)
                                                                     : CommandLine();
}

std::string Error(const std::vector<std::string>& arguments) {
  const auto parsed = ParseCommandLine(arguments);
  EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(parsed.status().message());
}

// Sets an environment variable for one test.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }

 private:
  const char* const name_;
};

TEST(CommandLine, ScreenFlags) {
  const CommandLine line = Parse({"--server=host:1", "screen", "--profile=p.yaml", "--jobs=a.csv", "--jobs",
                                  "b.csv", "c.csv", "--preference=speed", "--gate=fixed", "--threshold=0.3",
                                  "--as-of=2026-01-15", "--top=7", "--output=o.jsonl", "--json"});
  const auto& flags = std::get<ScreenFlags>(line.command);
  EXPECT_EQ(line.server, "host:1");
  EXPECT_THAT(flags.jobs, ElementsAre("a.csv", "b.csv", "c.csv"));
  EXPECT_EQ(flags.gate.policy(), v1::Gate::FIXED);
  EXPECT_EQ(flags.gate.preference(), v1::Gate::SPEED);
  EXPECT_EQ(flags.gate.threshold(), 0.3);
  EXPECT_EQ(flags.as_of, absl::CivilDay(2026, 1, 15));
  EXPECT_EQ(flags.top, 7);
  EXPECT_EQ(flags.output, "o.jsonl");
  EXPECT_TRUE(flags.json);
}

TEST(CommandLine, Defaults) {
  const CommandLine line = Parse({"screen", "--profile=p", "--jobs=j"});
  const auto& flags = std::get<ScreenFlags>(line.command);
  EXPECT_EQ(line.server, "127.0.0.1:7070");
  EXPECT_FALSE(line.local);
  EXPECT_EQ(flags.gate.policy(), v1::Gate::VOLUME);
  EXPECT_EQ(flags.gate.preference(), v1::Gate::BALANCED);
  EXPECT_FALSE(flags.gate.has_threshold());
  EXPECT_FALSE(flags.as_of.has_value());
  EXPECT_EQ(std::get<EmbedFlags>(Parse({"embed", "--input=a", "--output=b"}).command).truncation,
            v1::TRUNCATION_END);
}

TEST(CommandLine, EveryFlagIsAlsoInTheEnvironment) {
  const Environment server("SLUICE_SERVER", "unix:/run/x"), profile("SLUICE_PROFILE", "p"),
      jobs("SLUICE_JOBS", "j"), gate("SLUICE_GATE", "all"), json("SLUICE_JSON", "true");
  const CommandLine line = Parse({"screen"});
  EXPECT_EQ(line.server, "unix:/run/x");
  EXPECT_EQ(std::get<ScreenFlags>(line.command).profile, "p");
  EXPECT_THAT(std::get<ScreenFlags>(line.command).jobs, ElementsAre("j"));
  EXPECT_EQ(std::get<ScreenFlags>(line.command).gate.policy(), v1::Gate::ALL);
  EXPECT_TRUE(std::get<ScreenFlags>(line.command).json);
}

// The command line wins over the environment; only both on the command line contradict each other.
TEST(CommandLine, LocalOrServer) {
  const Environment server("SLUICE_SERVER", "host:1");
  EXPECT_TRUE(Parse({"--local", "hardware"}).local);
  EXPECT_THAT(Error({"--local", "--server=host:2", "hardware"}), HasSubstr("exclude each other"));
  const Environment local("SLUICE_LOCAL", "true");
  EXPECT_FALSE(Parse({"--server=host:2", "hardware"}).local);
  EXPECT_EQ(std::get<HardwareFlags>(Parse({"hardware", "--self-test", "--model=m"}).command).model, "m");
  EXPECT_THAT(Error({"hardware", "--self-test", "--json"}), HasSubstr("--json"));
}

TEST(CommandLine, BadUsageNamesTheFlag) {
  EXPECT_THAT(Error({"screen", "--jobs=j"}), HasSubstr("--profile"));
  EXPECT_THAT(Error({"screen", "--profile=p", "--jobs=j", "--gate=random"}), HasSubstr("--gate"));
  EXPECT_THAT(Error({"screen", "--profile=p", "--jobs=j", "--gate=fixed"}), HasSubstr("needs --threshold"));
  EXPECT_THAT(Error({"screen", "--profile=p", "--jobs=j", "--threshold=0.5"}),
              HasSubstr("--gate=fixed only"));
  EXPECT_THAT(Error({"screen", "--profile=p", "--jobs=j", "--gate=fixed", "--threshold=2"}),
              HasSubstr("--threshold"));
  EXPECT_THAT(Error({"screen", "--profile=p", "--jobs=j", "--as-of=yesterday"}), HasSubstr("--as-of"));
  EXPECT_THAT(Error({"screen", "--profile=p", "--jobs=j", "--top=0"}), HasSubstr("--top"));
  EXPECT_THAT(Error({"screen", "--profile=p", "--jobs=j", "--frobnicate"}), HasSubstr("--frobnicate"));
  EXPECT_THAT(Error({}), HasSubstr("subcommand"));
  EXPECT_THAT(Error({"batches", "get"}), HasSubstr("batch"));
}

TEST(CommandLine, BatchesTakeNamesWithAndWithoutPrefix) {
  using Action = BatchesFlags::Action;
  const auto parse = [](const std::vector<std::string>& words) {
    return std::get<BatchesFlags>(Parse(words).command);
  };
  EXPECT_EQ(parse({"batches", "get", "b1"}).name, "batches/b1");
  EXPECT_EQ(parse({"batches", "cancel", "batches/b1"}).name, "batches/b1");
  EXPECT_EQ(parse({"batches", "ls"}).action, Action::kList);
  EXPECT_EQ(parse({"batches", "watch", "b"}).action, Action::kWatch);
  EXPECT_EQ(parse({"batches", "results", "b", "--top=3"}).top, 3);
  EXPECT_EQ(parse({"batches", "delete", "b"}).action, Action::kDelete);
}

TEST(CommandLine, HelpIsATextToPrint) {
  const auto help = ParseCommandLine({"screen", "--help"});
  ASSERT_TRUE(help.ok()) << help.status();
  EXPECT_THAT(std::get<std::string>(*help), HasSubstr("--profile"));
  EXPECT_THAT(std::get<std::string>(*ParseCommandLine({"--version"})), testing::StartsWith("sluice "));
}

}  // namespace
}  // namespace sluice
