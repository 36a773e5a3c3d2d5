// `sluice embed`: texts in, a NumPy matrix out. At most kTextsPerCall texts a call and kCallsInFlight calls
// at once; rows are in input order.
#pragma once

#include "absl/status/statusor.h"
#include "client/cpp/command/command_line.h"
#include "client/cpp/command/exit_code.h"
#include "client/cpp/command/screen_command.h"

namespace sluice {

inline constexpr int kTextsPerCall = 64;
inline constexpr int kCallsInFlight = 4;

// A regular file appears only once it is whole; what is none (a pipe, say) gets the rows as they come. An
// error names file and line where the server objected to a text.
absl::StatusOr<ExitCode> RunEmbed(const EmbedFlags& flags, CommandContext& context);

}  // namespace sluice
