#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "client/cpp/command/run.h"
#include "client/cpp/command/standard_output.h"
#include "core/base/descriptors.h"
#include "core/base/mutex.h"

namespace {

bool EndsByBrokenPipe() {
  struct sigaction action{};
  return sigaction(SIGPIPE, nullptr, &action) == 0 && action.sa_handler == SIG_DFL;
}

// Whoever waits for us sees the signal, as of other tools whose reader went away.
void EndByBrokenPipe() {
  signal(SIGPIPE, SIG_DFL);
  raise(SIGPIPE);
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_UNBLOCK, &pipe, nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  sluice::OccupyStandardDescriptors();
  sluice::SwitchAbseilDeadlockDetectionOff();
  sluice::Interruption interruption;
  const sluice::InterruptSignals signals(interruption);
  const bool out_is_terminal = isatty(STDOUT_FILENO) == 1;
  // Nothing more is done for the sake of an output that nobody gets.
  sluice::StandardOutput output({.descriptor = STDOUT_FILENO, .line_by_line = out_is_terminal, .failed = [&] {
                                   interruption.Interrupt();
                                 }});
  sluice::Terminal terminal{output.stream(), std::cerr, out_is_terminal, isatty(STDERR_FILENO) == 1};
  winsize size{};
  // Of the bar, or else of the table, where only one of them is on a terminal.
  const bool known =
      ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  if (known && size.ws_col > 0) terminal.columns = size.ws_col;
  sluice::SetLook(std::getenv("NO_COLOR"), std::getenv("TERM"), terminal);
  terminal.out_error = &output.error();
  terminal.quiet_about_broken_pipes = EndsByBrokenPipe();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const sluice::ExitCode code = sluice::RunCommand(arguments, terminal, sluice::Clock::Real(), interruption);
  if (output.error() == std::errc::broken_pipe && terminal.quiet_about_broken_pipes) EndByBrokenPipe();
  return static_cast<int>(code);
}
