#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/thread.h"

namespace sluice {
namespace {

// An eighth of the share of a thread that is not nice: enough to get on, too little to hold one up.
constexpr int kBackgroundNice = 10;

}  // namespace

void RunUnhurried() {
  const sched_param parameters = {};
  sched_setscheduler(0, SCHED_BATCH, &parameters);
}

// On Linux niceness is a thread's own, whatever POSIX says of the process. Lowering it may fail in no case
// that matters: the thread then runs as any other.
void RunInBackground() {
  const auto thread = static_cast<id_t>(syscall(SYS_gettid));
  setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + kBackgroundNice);
}

}  // namespace sluice
