// `sluice hardware`: what the server runs on, and why so.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/cpp/command/command_line.h"
#include "client/cpp/command/exit_code.h"
#include "client/cpp/command/screen_command.h"
#include "sluice/v1/server.pb.h"

namespace sluice {

// For people, several lines. Pure.
std::string ServerText(const v1::Server& server);

// The self-test's table comes from the sluiced beside us, with its exit code.
absl::StatusOr<ExitCode> RunHardware(const HardwareFlags& flags, CommandContext& context);

}  // namespace sluice
