#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "client/cpp/command/child_process.h"

namespace sluice {

void DieWithParent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  // It may have died before the request was made.
  if (getppid() != parent) _exit(1);
}

std::string OwnBinaryPath() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

}  // namespace sluice
