#include "server/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

namespace sluice {
namespace {

constexpr int kRequest = SIGUSR2;  // stays blocked for good, so that one that comes late changes nothing

sigset_t TerminationSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockSignals() {
  sigset_t set = TerminationSignals();
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, kRequest);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file at its limit is then a write that fails, with its message
}

void EndAtSignals() {
  const sigset_t set = TerminationSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void WaitForTermination(const std::function<void()>& backup) {
  const sigset_t set = TerminationSignals();
  sigset_t awaited = set;
  sigaddset(&awaited, SIGUSR1);
  sigaddset(&awaited, kRequest);
  int received = 0;
  while (sigwait(&awaited, &received) != 0 || received == SIGUSR1) {
    if (received == SIGUSR1) backup();
  }
  if (received == kRequest) return;
  // Their default action, ending the process, comes back in this thread.
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void RequestTermination() {
  kill(getpid(), kRequest);
}

}  // namespace sluice
