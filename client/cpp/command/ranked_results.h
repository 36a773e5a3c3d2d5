// Prints a finished batch's ranked results: table or JSON lines on the terminal, all of them into a file.
#pragma once

#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "client/cpp/client.h"
#include "client/cpp/command/terminal.h"
#include "client/cpp/command/verdict_table.h"

namespace sluice {

struct RankedResultsOptions {
  std::string batch;
  std::optional<int> top;  // default 20 in a table, all as JSON
  std::string output;      // "" for none; appears only once it is whole
  bool json = false;
};

// Job id -> what stands in the table.
using Headlines = absl::flat_hash_map<std::string, Headline>;

// INVALID_ARGUMENT when the output cannot be written.
absl::Status PrintRankedResults(Client& client, const RankedResultsOptions& options,
                                const Headlines& headlines, Terminal& terminal);

}  // namespace sluice
