#include "server/drain_deadline.h"

#include <cstdlib>

#include "core/base/log.h"
#include "server/signals.h"

namespace sluice {
namespace {

constexpr absl::Duration kLastLine = absl::Seconds(1);

}  // namespace

DrainDeadline::DrainDeadline(absl::Duration time, int exit_code)
    : thread_("deadline", [this, time, exit_code] {
        if (over_.WaitFor(time)) return;
        EndWithin(kLastLine);  // the log may be what hangs: a pipe that nobody reads, a disk that is gone
        Log(LogLevel::kError, "ended ", absl::FormatDuration(time),
            " after the drain began, with work still running: it is done again after the next start");
        std::_Exit(exit_code);
      }) {}

}  // namespace sluice
