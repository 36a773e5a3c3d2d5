// `sluice archive add|ls|show|page|retry|rm|set|profiles|export`.
#pragma once

#include "absl/status/statusor.h"
#include "client/cpp/command/command_line.h"
#include "client/cpp/command/exit_code.h"
#include "client/cpp/command/screen_command.h"

namespace sluice {

absl::StatusOr<ExitCode> RunArchive(const ArchiveFlags& flags, CommandContext& context);

// `archive add`, in a file of its own.
absl::StatusOr<ExitCode> RunArchiveAdd(const ArchiveFlags& flags, CommandContext& context);

// Follows an archive batch to its end and tells how each document ended.
absl::StatusOr<ExitCode> FollowArchive(Client& client, const std::string& batch, bool json,
                                       CommandContext& context);

}  // namespace sluice
