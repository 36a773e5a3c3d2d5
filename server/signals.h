// Signals: SIGTERM and SIGINT as something to wait for.
#pragma once

namespace sluice {

// Blocks both in this thread and all it starts; ignores SIGPIPE. Call first in main.
void BlockTerminationSignals();

// Waits for one of them. From then on the next one ends the process at once.
int WaitForTerminationSignal();

// As if SIGTERM came. Thread-safe.
void RequestTermination();

}  // namespace sluice
