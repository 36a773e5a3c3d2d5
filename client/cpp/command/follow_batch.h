// FollowBatch: waits for a batch to end, showing its progress, and keeps count of what came out if asked to.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "client/cpp/command/terminal.h"
#include "client/cpp/command/verdict_tally.h"
#include "core/base/clock.h"

namespace sluice {

struct FollowedBatch {
  v1::Batch batch;  // as it ended
  // Measured here, by when the plan was seen; absent for a batch that had its plan already.
  std::optional<absl::Duration> phase_one;
  std::optional<absl::Duration> phase_two;
  VerdictTally tally;  // empty unless the results were followed
};

struct FollowOptions {
  std::string name;
  bool results = true;  // also follow the results, for the tally
  absl::Duration min_interval = absl::Milliseconds(50);
};

// CANCELLED when the client was interrupted; the batch goes on.
absl::StatusOr<FollowedBatch> FollowBatch(Client& client, const FollowOptions& options, Terminal& terminal,
                                          const Clock& clock);

}  // namespace sluice
