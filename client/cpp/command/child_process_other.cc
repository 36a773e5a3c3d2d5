#include "client/cpp/command/child_process.h"

namespace sluice {

void DieWithParent(pid_t) {}

std::string OwnBinaryPath() {
  return "";
}

}  // namespace sluice
