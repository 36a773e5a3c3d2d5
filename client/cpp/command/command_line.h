// The `sluice` command line: flags, each also SLUICE_… in the environment, as values. Pure but for the
// environment.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "client/cpp/command/load_run.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

struct ScreenFlags {
  std::string profile;
  std::vector<std::string> jobs;
  v1::Gate gate;
  std::optional<absl::CivilDay> as_of;
  std::optional<int> top;  // default 20 in a table, all as JSON
  std::string output;      // all verdicts, as JSON lines
  bool json = false;
  bool ignore_unknown_columns = false;
  bool skip_bad = false;
};

struct EmbedFlags {
  std::string input;
  std::string output;
  v1::Truncation truncation = v1::TRUNCATION_END;
  bool ignore_unknown_columns = false;
};

struct BatchesFlags {
  enum class Action { kList, kGet, kWatch, kResults, kCancel, kDelete };
  Action action = Action::kList;
  std::string name;  // "batches/{id}"; empty for kList
  std::optional<int> top;
  std::string output;
  bool json = false;
};

struct ArchiveFlags {
  enum class Action { kAdd, kList, kShow, kPage, kRetry, kRemove, kSet, kProfiles, kExport };
  Action action = Action::kList;
  std::vector<std::string> names;  // files and directories to add; documents, by source or by documents/{id}
  std::string profile = "quality";
  int books_at_once = 0;  // 0: the profile's
  std::map<std::string, std::string> labels;
  std::optional<std::string> title;
  std::string password_file;
  bool wait = true;
  bool dry_run = false;
  bool json = false;
  int page = 1;
  std::string picture;  // a file to write
  bool boxes = false;
  std::string format = "md";
  std::string output;
};

struct HardwareFlags {
  bool json = false;
  bool self_test = false;  // by a sluiced of one's own, of no server
  std::string model;       // for the self-test; "": SLUICE_MODEL
};

struct LoadFlags {
  LoadShape shape;
  double rate = 0;                  // calls a second; 0: measured first
  std::vector<double> sweep = {1};  // multiples of the rate
  int connections = 4;
  int capacity_in_flight = 8;  // of the closed loop that measures
  bool json = false;
};

struct CommandLine {
  std::string server = "127.0.0.1:7070";
  bool local = false;
  std::variant<ScreenFlags, EmbedFlags, BatchesFlags, HardwareFlags, LoadFlags, ArchiveFlags> command;
};

// Either what to do, or a text to print (for --help and --version) and end.
using ParsedCommandLine = std::variant<CommandLine, std::string>;

// `arguments` without the program's name. INVALID_ARGUMENT names the flag and what it takes.
absl::StatusOr<ParsedCommandLine> ParseCommandLine(const std::vector<std::string>& arguments);

}  // namespace sluice
