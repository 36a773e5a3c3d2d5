#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <optional>

#include "core/base/thread.h"

namespace sluice {
namespace {

// An eighth of the share of a thread that is not nice: enough to get on, too little to hold one up.
constexpr int kBackgroundNice = 10;

// The kernel's sched_attr in its first version. C libraries before glibc 2.41 have neither it nor names for
// its two calls, and beside their <sched.h> the kernel's own header cannot be included.
struct SchedulingAttributes {
  uint32_t size;
  uint32_t sched_policy;
  uint64_t sched_flags;
  int32_t sched_nice;
  uint32_t sched_priority;
  uint64_t sched_runtime;  // the time slice in ns, of SCHED_OTHER and SCHED_BATCH
  uint64_t sched_deadline;
  uint64_t sched_period;
};

std::optional<SchedulingAttributes> AttributesOfThisThread() {
  SchedulingAttributes attributes = {};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return std::nullopt;
  const bool sliced = attributes.sched_policy == SCHED_OTHER || attributes.sched_policy == SCHED_BATCH;
  return sliced ? std::optional(attributes) : std::nullopt;
}

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

// A kernel that has no slices of threads' own says 0 of every thread, and takes what is set for nothing.
bool SetTimeSlice(absl::Duration length) {
  std::optional<SchedulingAttributes> attributes = AttributesOfThisThread();
  if (!attributes.has_value() || attributes->sched_runtime == 0) return false;
  attributes->sched_runtime = static_cast<uint64_t>(absl::ToInt64Nanoseconds(length));
  return syscall(SYS_sched_setattr, 0, &*attributes, 0) == 0;
}

absl::Duration TimeSlice() {
  const std::optional<SchedulingAttributes> attributes = AttributesOfThisThread();
  return attributes.has_value() ? absl::Nanoseconds(attributes->sched_runtime) : absl::ZeroDuration();
}

}  // namespace sluice
