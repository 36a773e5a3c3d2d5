#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "core/documents/parser/parser_sandbox.h"

namespace sluice {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // it maps terabytes, and makes calls of its own
#else
constexpr bool kSanitized = false;
#endif

constexpr int kAllowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),
    SCMP_SYS(pread64),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(tgkill),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(membarrier),
};

void Note(std::string& refused, const char* what) {
  absl::StrAppend(&refused, refused.empty() ? "" : ", ", what);
}

int64_t AddressSpaceNow() {
  std::ifstream statm("/proc/self/statm");
  int64_t pages = 0;
  statm >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

bool Bound(int resource, int64_t most) {
  const rlimit limit = {static_cast<rlim_t>(most), static_cast<rlim_t>(most)};
  return setrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0;
}

// No rule follows: nothing may be done to any file by its path. What is open stays open.
bool DenyFiles() {
  landlock_ruleset_attr attributes = {};
  attributes.handled_access_fs =
      LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
      LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
      LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
      LANDLOCK_ACCESS_FS_MAKE_SYM;
  const auto ruleset =
      static_cast<int>(syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0));
  if (ruleset < 0) return false;
  const bool restricted = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  close(ruleset);
  return restricted;
}

// Others are refused with EPERM rather than ended by: a library that asks in vain goes on without.
bool AllowOnlyReading() {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
  if (filter == nullptr) return false;
  bool all = true;
  for (const int call : kAllowed) all = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0) == 0 && all;
  const bool loaded = all && seccomp_load(filter) == 0;
  seccomp_release(filter);
  return loaded;
}

}  // namespace

std::string EnterSandbox(const SandboxLimits& limits) {
  std::string refused;
  prctl(PR_SET_DUMPABLE, 0);
  if (!Bound(RLIMIT_CORE, 0) || !Bound(RLIMIT_FSIZE, 0) || !Bound(RLIMIT_CPU, limits.max_cpu_seconds) ||
      !Bound(RLIMIT_NOFILE, 16)) {
    Note(refused, "resource limits");
  }
  if (kSanitized) {
    Note(refused, "memory limit, Landlock and seccomp (a sanitizer build)");
    return refused;
  }
  if (!Bound(RLIMIT_AS, AddressSpaceNow() + limits.max_memory_bytes)) Note(refused, "the memory limit");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) Note(refused, "no new privileges");
  if (!DenyFiles()) Note(refused, "Landlock");
  if (!AllowOnlyReading()) Note(refused, "seccomp");
  return refused;
}

}  // namespace sluice
