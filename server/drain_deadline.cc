#include "server/drain_deadline.h"

#include <cstdlib>

#include "core/base/log.h"

namespace sluice {

DrainDeadline::DrainDeadline(absl::Duration time, int exit_code)
    : thread_("deadline", [this, time, exit_code] {
        if (over_.WaitFor(time)) return;
        Log(LogLevel::kError, "ended ", absl::FormatDuration(time),
            " after the drain began, with work still running: it is done again after the next start");
        std::_Exit(exit_code);
      }) {}

}  // namespace sluice
