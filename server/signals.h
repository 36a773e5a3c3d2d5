// Signals: SIGTERM and SIGINT as something to wait for, SIGUSR1 as an order to make a backup.
#pragma once

#include <functional>

namespace sluice {

// Blocks all three, and SIGUSR2, in this thread and all it starts; ignores SIGPIPE. Call first in main.
void BlockSignals();

// SIGTERM and SIGINT end the process at once again: for one that has nothing to end in order.
void EndAtSignals();

// Waits for SIGTERM, SIGINT or RequestTermination and calls `backup`, in this thread, for each SIGUSR1 until
// then. After a signal the next SIGTERM or SIGINT ends the process at once. After a request none does: the
// process ends already, by its exit code.
void WaitForTermination(const std::function<void()>& backup);

// The process wants to end of its own accord. Thread-safe. Does nothing once it ends; never ends it by a
// signal.
void RequestTermination();

}  // namespace sluice
