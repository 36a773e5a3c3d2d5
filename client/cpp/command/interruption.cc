#include "client/cpp/command/interruption.h"

#include <signal.h>
#include <unistd.h>

#include "client/cpp/command/exit_code.h"
#include "client/cpp/formats/output_file.h"

namespace sluice {
namespace {

// Ends the waiting thread when the work is done; otherwise unused by us.
constexpr int kStopSignal = SIGUSR1;
// Longer than a local server takes to end.
constexpr unsigned kMaxSecondsToEnd = 20;

bool IsIgnored(int signal) {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Not those that whoever started us wants ignored: nohup SIGHUP, a shell SIGINT of what runs in its
// background.
sigset_t WatchedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!IsIgnored(signal)) sigaddset(&signals, signal);
  }
  for (const int signal : {SIGALRM, kStopSignal}) sigaddset(&signals, signal);
  return signals;
}

}  // namespace

void Interruption::Interrupt() {
  interrupted_.Notify();
  // Under the lock because the client lives only until it is taken back; Interrupt does not block.
  MutexLock lock(mutex_);
  if (client_ != nullptr) client_->Interrupt();
}

void Interruption::Use(Client* client) {
  MutexLock lock(mutex_);
  client_ = client;
  if (client_ != nullptr && interrupted()) client_->Interrupt();
}

InterruptSignals::InterruptSignals(Interruption& interruption) {
  sigset_t blocked = WatchedSignals();
  // A reader that went away, or a limit on the size of files, is an error of the write, so that what is half
  // done is cleaned up.
  for (const int signal : {SIGPIPE, SIGXFSZ}) sigaddset(&blocked, signal);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  thread_ = Thread("interrupt", [this, &interruption] { Run(interruption); });
}

InterruptSignals::~InterruptSignals() {
  kill(getpid(), kStopSignal);
  thread_.Join();
}

void InterruptSignals::Run(Interruption& interruption) {
  const sigset_t signals = WatchedSignals();
  for (int received = 0; sigwait(&signals, &received) == 0 && received != kStopSignal;) {
    if (interrupted_) {
      RemoveUnfinishedOutputs();
      _exit(static_cast<int>(ExitCode::kInterrupted));
    }
    interrupted_ = true;
    interruption.Interrupt();
    // Work that waits for a reader of its output hears of nothing.
    alarm(kMaxSecondsToEnd);
  }
}

}  // namespace sluice
