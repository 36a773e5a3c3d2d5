// EnterSandbox: takes from the parser's process what reading a document does not need.
#pragma once

#include <cstdint>
#include <string>

namespace sluice {

struct SandboxLimits {
  int64_t max_memory_bytes = int64_t{1} << 30;  // of address space, beside what is there already
  int64_t max_cpu_seconds = 3600;
};

// On Linux: dies with the parent; no core file, no new privileges; bounds on memory, CPU time, files and
// processes; no file can be opened (Landlock), and of system calls only those that reading needs (seccomp).
// Elsewhere the bounds alone. Call when all libraries are loaded. Returns what the system refused, for
// people;
// "" when it is all in force.
std::string EnterSandbox(const SandboxLimits& limits);

}  // namespace sluice
