// `sluice load`: an open-loop load generator for a server's interactive calls.
#pragma once

#include "absl/status/statusor.h"
#include "client/cpp/command/command_line.h"
#include "client/cpp/command/exit_code.h"
#include "client/cpp/command/screen_command.h"

namespace sluice {

// Runs the steps of the sweep in order, reporting each as it ends. Without a rate a closed loop measures the
// server's capacity first, and the multiples are of that.
absl::StatusOr<ExitCode> RunLoad(const LoadFlags& flags, CommandContext& context);

}  // namespace sluice
