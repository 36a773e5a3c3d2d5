#include "server/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <initializer_list>

namespace sluice {
namespace {

constexpr int kRequest = SIGUSR2;  // stays blocked for good, so that one that comes late changes nothing

std::atomic<bool> requested = false;

sigset_t SetOf(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : signals) sigaddset(&set, each);
  return set;
}

// Started by nohup, a process is told to outlive its terminal.
bool HangUpIsIgnored() {
  struct sigaction action = {};
  return sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// One after which another one ends the process at once.
sigset_t ImpatientSignals() {
  return SetOf({SIGTERM, SIGINT});
}

sigset_t TerminationSignals() {
  sigset_t set = SetOf({SIGTERM, SIGINT, SIGXCPU});
  if (!HangUpIsIgnored()) sigaddset(&set, SIGHUP);
  return set;
}

// What came together with the first signal, as SIGTERM and SIGHUP do from a supervisor, is no second one.
void TakePending(const sigset_t& signals) {
  sigset_t pending;
  while (sigpending(&pending) == 0) {
    int next = 0;
    for (const int each : {SIGTERM, SIGINT, SIGHUP, SIGXCPU}) {
      if (sigismember(&signals, each) == 1 && sigismember(&pending, each) == 1) next = each;
    }
    if (next == 0) return;
    const sigset_t one = SetOf({next});
    int received = 0;
    sigwait(&one, &received);
  }
}

}  // namespace

void BlockSignals() {
  sigset_t set = TerminationSignals();
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, kRequest);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A write to who is gone, or beyond the greatest size of a file, is an error of that write.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

void EndAtSignals() {
  const sigset_t set = TerminationSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void WaitForTermination(const std::function<void()>& backup) {
  const sigset_t termination = TerminationSignals();
  sigset_t awaited = termination;
  sigaddset(&awaited, SIGUSR1);
  sigaddset(&awaited, kRequest);
  while (true) {
    int received = 0;
    if (sigwait(&awaited, &received) != 0) continue;
    if (received == SIGUSR1) {
      backup();
    } else if (received == kRequest) {
      if (requested) return;  // else it is a stranger's
    } else {
      break;
    }
  }
  TakePending(termination);
  // Their default action, ending the process, comes back in this thread.
  const sigset_t impatient = ImpatientSignals();
  pthread_sigmask(SIG_UNBLOCK, &impatient, nullptr);
}

void RequestTermination() {
  requested = true;
  kill(getpid(), kRequest);
}

void EndWithin(absl::Duration time) {
  alarm(static_cast<unsigned>(std::max<int64_t>(1, absl::ToInt64Seconds(time))));
}

}  // namespace sluice
