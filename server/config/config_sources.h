// Where settings come from: flags before environment before file before what is built in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "server/config/config.h"

namespace sluice {

struct CommandLine {
  SettingValues flags;
  std::string config_file;            // --config or SLUICE_CONFIG; "" for none
  std::optional<std::string> answer;  // --help or --version: print it and exit 0
};

// Without argv[0]. INVALID_ARGUMENT: an unknown flag, a flag without its value.
absl::StatusOr<CommandLine> ParseCommandLine(std::vector<std::string> arguments);

// `get` is getenv or a test's: nothing when the variable is not set.
SettingValues ReadEnvironment(const std::function<std::optional<std::string>(const std::string&)>& get);

// A YAML mapping of setting names to scalars. INVALID_ARGUMENT "<file>:<line>: …" for an unknown or repeated
// key or one that is no scalar. A file that does not open is NOT_FOUND, or INVALID_ARGUMENT with what the
// system said.
absl::StatusOr<SettingValues> ReadConfigFile(const std::string& path);

// All of the above in their order, checked. `line.answer` is the caller's.
absl::StatusOr<Config> LoadConfig(const CommandLine& line,
                                  const std::function<std::optional<std::string>(const std::string&)>& get);

}  // namespace sluice
