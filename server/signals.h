// Signals: SIGTERM and its like as something to wait for, SIGUSR1 as an order to make a backup.
//
//   SIGTERM, SIGINT   end in order; the second one ends the process at once
//   SIGHUP, SIGXCPU   end in order (the terminal is gone; processor time is used up); SIGHUP not where it was
//                     ignored at the start, as nohup has it
//   SIGUSR1           a backup
//   SIGUSR2           nothing
//   SIGPIPE, SIGXFSZ  nothing: the write fails
//   SIGALRM           ends the process at once: EndWithin
//   others            as the system has them: SIGQUIT ends the process at once with a core file
#pragma once

#include <functional>

#include "absl/time/time.h"

namespace sluice {

// Blocks or ignores those of the table in this thread and all it starts. Call first in main.
void BlockSignals();

// The signals that end in order end the process at once again: for one that has nothing to end in order.
void EndAtSignals();

// Waits for a signal that ends in order, or RequestTermination, and calls `backup`, in this thread, for each
// SIGUSR1 until then. Signals that came together count as one. After one the next SIGTERM or SIGINT ends the
// process at once. After a request none does: the process ends already, by its exit code.
void WaitForTermination(const std::function<void()>& backup);

// The process wants to end of its own accord. Thread-safe. Does nothing once it ends; never ends it by a
// signal.
void RequestTermination();

// Whatever hangs: ends the process by SIGALRM after so many whole seconds, at least one, unless it has ended
// by then.
void EndWithin(absl::Duration time);

}  // namespace sluice
