#include <sys/resource.h>

#include "core/documents/parser/parser_sandbox.h"

namespace sluice {

std::string EnterSandbox(const SandboxLimits& limits) {
  const rlimit none = {0, 0};
  const rlimit cpu = {static_cast<rlim_t>(limits.max_cpu_seconds),
                      static_cast<rlim_t>(limits.max_cpu_seconds)};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_FSIZE, &none);
  setrlimit(RLIMIT_CPU, &cpu);
  return "the memory limit and the bars on files and calls (only on Linux)";
}

}  // namespace sluice
