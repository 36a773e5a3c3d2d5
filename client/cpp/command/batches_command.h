// `sluice batches ls|get|watch|results|cancel|delete`.
#pragma once

#include "absl/status/statusor.h"
#include "client/cpp/command/command_line.h"
#include "client/cpp/command/exit_code.h"
#include "client/cpp/command/screen_command.h"

namespace sluice {

absl::StatusOr<ExitCode> RunBatches(const BatchesFlags& flags, CommandContext& context);

}  // namespace sluice
