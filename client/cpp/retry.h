// When to try a call again. Pure.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace sluice {

struct RetryOptions {
  int max_attempts = 6;  // in all, >= 1
  // The same for streams, which count anew after every message they brought: a batch goes on through a
  // restart of its server, and who follows it should outlast one, its model's load included.
  int max_stream_attempts = 12;
  absl::Duration initial_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(5);
  // A server that asks to stay away longer than this is not waited for: the refusal is handed on.
  absl::Duration max_pushback = absl::Seconds(30);
};

// How long to wait before the next attempt after `failed_attempts` (>= 1) failed, the last with `status`;
// absent when it should not be tried again. UNAVAILABLE is retried, RESOURCE_EXHAUSTED only where the server
// said when to come back. The server's delay is kept to; ours doubles and is cut to between half and the
// whole of it by `jitter` in [0, 1), so that clients who failed together do not come back together.
std::optional<absl::Duration> NextAttemptIn(const RetryOptions& options, int failed_attempts,
                                            const absl::Status& status, double jitter);

}  // namespace sluice
