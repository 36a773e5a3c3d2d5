// DrainDeadline: the process ends although its drain does not.
#pragma once

#include "absl/time/time.h"
#include "core/base/notification.h"
#include "core/base/thread.h"

namespace sluice {

// Owns one thread ("deadline"). Destroy it after all that may take long to end.
class DrainDeadline {
 public:
  // Unless it is destroyed within `time`, ends the process with `exit_code`, at once and without destructors,
  // as a crash would: what was acknowledged is on disk, and leases that were not given back run out. Where
  // its last line does not get into the log within a second, SIGALRM ends the process.
  DrainDeadline(absl::Duration time, int exit_code);
  ~DrainDeadline() { over_.Notify(); }

 private:
  Notification over_;
  Thread thread_;
};

}  // namespace sluice
