// What differs between systems about a child that must not outlive us. One source a system.
#pragma once

#include <sys/types.h>

#include <string>

namespace sluice {

// In the child between fork and exec, so async-signal-safe: asks for SIGTERM when `parent` dies, which
// includes the thread that forked, and ends the child at once when it is dead already. Where the system has
// no such thing, nothing.
void DieWithParent(pid_t parent);

// Of the program that runs; "" where the system does not say.
std::string OwnBinaryPath();

}  // namespace sluice
