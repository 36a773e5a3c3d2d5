#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "client/cpp/command/run.h"
#include "core/base/mutex.h"

int main(int argc, char** argv) {
  sluice::SwitchAbseilDeadlockDetectionOff();
  sluice::Interruption interruption;
  const sluice::InterruptSignals signals(interruption);
  sluice::Terminal terminal{std::cout, std::cerr, isatty(STDOUT_FILENO) == 1, isatty(STDERR_FILENO) == 1};
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) terminal.columns = size.ws_col;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  return static_cast<int>(sluice::RunCommand(arguments, terminal, sluice::Clock::Real(), interruption));
}
