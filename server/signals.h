// Signals: SIGTERM and SIGINT as something to wait for, SIGUSR1 as an order to make a backup.
#pragma once

#include <functional>

namespace sluice {

// Blocks all three in this thread and all it starts; ignores SIGPIPE. Call first in main.
void BlockSignals();

// Waits for SIGTERM or SIGINT and calls `backup`, in this thread, for each SIGUSR1 until then. From then on
// the next SIGTERM or SIGINT ends the process at once.
int WaitForTerminationSignal(const std::function<void()>& backup);

// As if SIGTERM came. Thread-safe.
void RequestTermination();

}  // namespace sluice
