// What the command's exit code says. Scripts rely on it.
#pragma once

#include "absl/status/status.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

enum class ExitCode {
  kDone = 0,
  kSomeJobsFailed = 1,
  kOutputLost = 1,   // standard output or a file could not be written
  kBadInput = 2,     // usage, a file, a batch that is not there
  kUnreachable = 3,  // no server, a draining one, or one that failed
  kRefused = 4,      // the server is there and says no
  kInterrupted = 130,
};

ExitCode ExitCodeOf(const absl::Status& status);

// Of a batch that has ended.
ExitCode ExitCodeOf(v1::Batch::State state);

// Whether no outcome of the batch is still to come.
bool IsTerminal(v1::Batch::State state);

}  // namespace sluice
