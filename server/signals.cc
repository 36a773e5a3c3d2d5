#include "server/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace sluice {
namespace {

sigset_t TerminationSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockTerminationSignals() {
  const sigset_t set = TerminationSignals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

int WaitForTerminationSignal() {
  const sigset_t set = TerminationSignals();
  int received = 0;
  while (sigwait(&set, &received) != 0) {
  }
  // Their default action, ending the process, comes back in this thread.
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return received;
}

void RequestTermination() {
  kill(getpid(), SIGTERM);
}

}  // namespace sluice
