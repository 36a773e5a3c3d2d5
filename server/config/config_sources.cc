#include "server/config/config_sources.h"

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

std::string FlagName(const std::string& setting) {
  return "--" + absl::StrReplaceAll(setting, {{"_", "-"}});
}

std::string VariableName(const std::string& setting) {
  return "SLUICE_" + absl::AsciiStrToUpper(setting);
}

absl::Status AddEntry(const std::string& path, const YAML::Node& key, const YAML::Node& value,
                      SettingValues& values) {
  const std::string place = absl::StrCat(path, ":", key.Mark().line + 1);
  const std::string name = absl::StrReplaceAll(key.as<std::string>(), {{"-", "_"}});
  const auto& settings = AllSettings();
  const bool known =
      std::any_of(settings.begin(), settings.end(), [&](const Setting& s) { return name == s.name; });
  if (!known) return absl::InvalidArgumentError(absl::StrCat(place, ": unknown key '", name, "'"));
  if (!value.IsScalar())
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", name, " needs one plain value"));
  const bool added =
      values.emplace(name, SettingValue{value.Scalar(), absl::StrCat(place, ": ", name)}).second;
  if (!added) return absl::InvalidArgumentError(absl::StrCat(place, ": ", name, " is there twice"));
  return absl::OkStatus();
}

// Read as a whole: YAML's own reading of a stream lets the failure of a directory through as an exception.
absl::StatusOr<std::string> WholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const bool missing = errno == ENOENT;
    const std::string message = absl::StrCat(path, ": ", std::strerror(errno));
    return missing ? absl::NotFoundError(message) : absl::InvalidArgumentError(message);
  }
  std::string text;
  constexpr size_t kBlockBytes = 1 << 16, kMaxBytes = 1 << 20;
  for (char block[kBlockBytes]; file.read(block, kBlockBytes) || file.gcount() > 0;) {
    text.append(block, static_cast<size_t>(file.gcount()));
    if (text.size() > kMaxBytes)
      return absl::InvalidArgumentError(absl::StrCat(path, ": is larger than ", kMaxBytes, " bytes"));
  }
  if (file.bad()) return absl::InvalidArgumentError(absl::StrCat(path, ": ", std::strerror(errno)));
  return text;
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(std::vector<std::string> arguments) {
  CLI::App app(
      "sluiced: screens job postings in durable batches, over gRPC.\n"
      "Every flag is also a SLUICE_… variable and a key of the --config file.");
  app.set_version_flag("--version", std::string("sluiced " SLUICE_VERSION));
  CommandLine line;
  std::map<std::string, std::string> given;
  std::map<std::string, CLI::Option*> options;
  for (const Setting& setting : AllSettings()) {
    std::string& target = given[setting.name];
    CLI::Option* option = app.add_option(FlagName(setting.name), target, setting.doc);
    if (setting.is_switch) option->expected(0, 1)->default_str("true");
    options[setting.name] = option;
  }
  app.add_option("--config", line.config_file, "YAML file with any of these")->envname("SLUICE_CONFIG");
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants a vector
    app.parse(std::move(arguments));
  } catch (const CLI::CallForHelp&) {
    line.answer = app.help();
  } catch (const CLI::CallForVersion&) {
    line.answer = app.version() + "\n";
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(error.what());
  }
  for (const auto& [name, option] : options) {
    if (option->count() == 0) continue;
    const std::string value = option->results().empty() || option->results()[0].empty() ? "" : given[name];
    const bool bare_switch = value.empty() && option->get_expected_min() == 0;
    line.flags[name] = {bare_switch ? "true" : value, FlagName(name)};
  }
  return line;
}

SettingValues ReadEnvironment(const std::function<std::optional<std::string>(const std::string&)>& get) {
  SettingValues values;
  for (const Setting& setting : AllSettings()) {
    const std::string variable = VariableName(setting.name);
    if (const auto value = get(variable); value.has_value()) values[setting.name] = {*value, variable};
  }
  return values;
}

absl::StatusOr<SettingValues> ReadConfigFile(const std::string& path) {
  SLUICE_ASSIGN_OR_RETURN(const std::string text, WholeFile(path));
  SettingValues values;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return values;
    if (!root.IsMap())
      return absl::InvalidArgumentError(absl::StrCat(path, ":1: is not a mapping of keys to values"));
    for (const auto& entry : root) SLUICE_RETURN_IF_ERROR(AddEntry(path, entry.first, entry.second, values));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":", error.mark.line + 1, ": ", error.msg));
  }
  return values;
}

absl::StatusOr<Config> LoadConfig(const CommandLine& line,
                                  const std::function<std::optional<std::string>(const std::string&)>& get) {
  SettingValues values = line.flags;
  // insert keeps what is there: the stronger source comes first.
  const SettingValues environment = ReadEnvironment(get);
  values.insert(environment.begin(), environment.end());
  if (!line.config_file.empty()) {
    SLUICE_ASSIGN_OR_RETURN(const SettingValues file, ReadConfigFile(line.config_file));
    values.insert(file.begin(), file.end());
  }
  Config config;
  SLUICE_RETURN_IF_ERROR(ApplySettings(values, config));
  SLUICE_RETURN_IF_ERROR(ValidateConfig(config));
  return config;
}

}  // namespace sluice
