#include "client/cpp/command/interruption.h"

#include <signal.h>
#include <unistd.h>

#include "client/cpp/command/exit_code.h"

namespace sluice {
namespace {

// Ends the waiting thread when the work is done; otherwise unused by us.
constexpr int kStopSignal = SIGUSR1;

sigset_t WatchedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, kStopSignal}) sigaddset(&signals, signal);
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
  const sigset_t signals = WatchedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = Thread("interrupt", [this, &interruption] { Run(interruption); });
}

InterruptSignals::~InterruptSignals() {
  kill(getpid(), kStopSignal);
  thread_.Join();
}

void InterruptSignals::Run(Interruption& interruption) {
  const sigset_t signals = WatchedSignals();
  for (int received = 0; sigwait(&signals, &received) == 0 && received != kStopSignal;) {
    if (interruption.interrupted()) _exit(static_cast<int>(ExitCode::kInterrupted));
    interruption.Interrupt();
  }
}

}  // namespace sluice
