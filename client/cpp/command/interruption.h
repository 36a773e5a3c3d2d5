// Interruption: Ctrl-C, as something that running work can be told and can ask.
#pragma once

#include "absl/time/time.h"
#include "client/cpp/client.h"
#include "core/base/mutex.h"
#include "core/base/notification.h"
#include "core/base/thread.h"

namespace sluice {

// Thread-safe.
class Interruption {
 public:
  // Ends the calls of the client in use, if any. Idempotent.
  void Interrupt();
  bool interrupted() const { return interrupted_.HasBeenNotified(); }

  // Returns whether it was interrupted within `timeout`.
  bool WaitFor(absl::Duration timeout) const { return interrupted_.WaitFor(timeout); }

  // The client to end; nullptr for none. It must be taken back before it is destroyed.
  void Use(Client* client);

 private:
  Notification interrupted_;
  Mutex mutex_;
  Client* client_ ABSL_GUARDED_BY(mutex_) = nullptr;
};

// Turns SIGINT, SIGTERM and SIGHUP, unless they are ignored, into an Interruption on a thread of its own. A
// second one, or 20 seconds after the first, ends the process at once; no unfinished output is left. SIGPIPE
// and SIGXFSZ are blocked. Make one before any other thread, which then inherit the blocked signals.
class InterruptSignals {
 public:
  explicit InterruptSignals(Interruption& interruption);
  ~InterruptSignals();

 private:
  void Run(Interruption& interruption);
  bool interrupted_ = false;  // by a signal; of the thread alone
  Thread thread_;
};

}  // namespace sluice
