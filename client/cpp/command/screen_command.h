// `sluice screen`: reads profile and postings, submits them as one batch, follows it and shows the ranked
// verdicts.
#pragma once

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "client/cpp/client.h"
#include "client/cpp/command/command_line.h"
#include "client/cpp/command/exit_code.h"
#include "client/cpp/command/interruption.h"
#include "client/cpp/command/terminal.h"
#include "core/base/clock.h"

namespace sluice {

// How a command reaches its server, called once the input is known to be good. The client outlives the
// command.
using ConnectFunction = absl::FunctionRef<absl::StatusOr<Client*>()>;

struct CommandContext {
  Terminal& terminal;
  const Clock& clock;
  ConnectFunction connect;
  const Interruption& interruption;
  std::string resume_prefix = "sluice";  // with the flags that reach the same server: "sluice --local"
};

// The largest CreateBatch; more jobs go by UploadBatch.
inline constexpr size_t kMaxCreateBatchBytes = 4 << 20;

// A status that is not OK has been reported to nobody yet. CANCELLED carries how to resume.
absl::StatusOr<ExitCode> RunScreen(const ScreenFlags& flags, CommandContext& context);

}  // namespace sluice
