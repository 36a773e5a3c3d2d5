// Executor: where closures run. Real code hands in a ThreadPool, tests a ManualExecutor (tests/fakes) they
// crank.
#pragma once

#include "absl/functional/any_invocable.h"

namespace sluice {

using Closure = absl::AnyInvocable<void() &&>;

class Executor {
 public:
  virtual ~Executor() = default;

  // Takes `closure` to run later, never inline. Never blocks. Returns false, and destroys the closure unrun,
  // when the executor's bound is reached or it has been closed. Thread-safe.
  [[nodiscard]] virtual bool TrySchedule(Closure closure) = 0;
};

}  // namespace sluice
