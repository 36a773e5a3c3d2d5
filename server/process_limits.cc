#include "server/process_limits.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/notification.h"
#include "core/base/status_macros.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace sluice {
namespace {

// So much of a limited address space stays free: what comes between two looks at it must fit.
constexpr int64_t kAddressSpaceReserve = 256 << 20;

// What a server has on two cores and with rules only was measured: 23 threads. Some are in reserve.
constexpr int kLeastThreads = 24;
constexpr int kThreadsOfACore = 3;
constexpr int64_t kWorkingBytes = 384 << 20;

constexpr int kLargeBlockBytes = 4 << 20;

int64_t Limit(decltype(RLIMIT_AS) resource) {
  rlimit limit = {};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return INT64_MAX;
  return static_cast<int64_t>(limit.rlim_cur);
}

std::string LimitText(decltype(RLIMIT_AS) resource) {
  const int64_t limit = Limit(resource);
  return limit == INT64_MAX ? "unlimited" : absl::StrCat(limit);
}

std::string MebibytesText(decltype(RLIMIT_AS) resource) {
  const int64_t limit = Limit(resource);
  return limit == INT64_MAX ? "unlimited" : absl::StrCat(limit >> 20, " MiB");
}

absl::Status TooLow(std::string message) {
  return WithReason(absl::FailedPreconditionError(message), "LIMIT_TOO_LOW");
}

int64_t StackBytes() {
  pthread_attr_t attributes;
  size_t bytes = 8 << 20;
  if (pthread_attr_init(&attributes) == 0) {
    pthread_attr_getstacksize(&attributes, &bytes);
    pthread_attr_destroy(&attributes);
  }
  return static_cast<int64_t>(bytes);
}

absl::Status TryMemory(int64_t bytes) {
  void* const got = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (got != MAP_FAILED) {
    munmap(got, static_cast<size_t>(bytes));
    return absl::OkStatus();
  }
  return TooLow(absl::StrCat(
      "the system does not give the ", bytes >> 20,
      " MiB of address space that a server needs beyond what it has now: RLIMIT_AS (ulimit -v) is ",
      MebibytesText(RLIMIT_AS), ", RLIMIT_DATA (ulimit -d) ", MebibytesText(RLIMIT_DATA), ": raise them"));
}

void* WaitForGate(void* gate) {
  static_cast<Notification*>(gate)->Wait();
  return nullptr;
}

absl::Status TryThreads(int threads) {
  Notification gate;
  std::vector<pthread_t> started;
  int error = 0;
  for (int i = 0; i < threads && error == 0; ++i) {
    pthread_t thread;
    error = pthread_create(&thread, nullptr, WaitForGate, &gate);
    if (error == 0) started.push_back(thread);
  }
  gate.Notify();
  for (const pthread_t thread : started) pthread_join(thread, nullptr);
  if (error == 0) return absl::OkStatus();
  return TooLow(absl::StrCat("the system gives ", started.size(), " threads of the ", threads,
                             " that a server needs (", std::strerror(error),
                             "): RLIMIT_NPROC (ulimit -u) is ", LimitText(RLIMIT_NPROC),
                             "; a container's bound is pids.max: raise them"));
}

}  // namespace

void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void SetUpAllocator() {
#if defined(__GLIBC__)
  // glibc would raise both with the first large block that is freed, and then keep such blocks at the end of
  // a thread's arena, from where malloc_trim does not return them.
  mallopt(M_MMAP_THRESHOLD, kLargeBlockBytes);
  mallopt(M_TRIM_THRESHOLD, 2 * kLargeBlockBytes);
  if (AddressSpaceLimit() == INT64_MAX) return;
  // Each arena reserves 64 MiB, and there would be eight for each core.
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 128 << 10);  // of its own, so that a large block goes back whole when it is freed
  mallopt(M_TRIM_THRESHOLD, 128 << 10);
#endif
}

int64_t DescriptorLimit() {
  return Limit(RLIMIT_NOFILE);
}

int64_t AddressSpaceLimit() {
  return std::min(Limit(RLIMIT_AS), Limit(RLIMIT_DATA));
}

int64_t HeldBytes(const HeldMemory& memory) {
  if (memory.address_space_bytes == INT64_MAX) return memory.resident_bytes;
  const int64_t beyond = memory.virtual_bytes - (memory.address_space_bytes - kAddressSpaceReserve);
  if (beyond <= 0) return memory.resident_bytes;
  const int64_t full = std::max(memory.resident_bytes, memory.mark_bytes);
  return full > INT64_MAX - beyond ? INT64_MAX : full + beyond;
}

int64_t TransportQuota(int64_t mark_bytes) {
  return std::clamp<int64_t>(std::min(mark_bytes, AddressSpaceLimit()) / 4, 64 << 20, 512 << 20);
}

absl::Status CheckThreadsAndMemory(int cores) {
  const int threads = kLeastThreads + kThreadsOfACore * cores;
  // One after the other, so that the stacks of the threads are not asked for twice.
  SLUICE_RETURN_IF_ERROR(TryMemory(kWorkingBytes + threads * StackBytes()));
  return TryThreads(threads);
}

absl::StatusOr<int> ConnectionsWithin(int wanted, int64_t descriptors) {
  const int64_t left = descriptors - kReservedDescriptors;
  if (left < kLeastConnections) {
    return WithReason(absl::FailedPreconditionError(absl::StrCat(
                          "the limit on open files (RLIMIT_NOFILE, ulimit -n) is ", descriptors,
                          "; at least ", kReservedDescriptors + kLeastConnections, " are needed: raise it")),
                      "LIMIT_TOO_LOW");
  }
  return static_cast<int>(std::min<int64_t>(wanted, left));
}

}  // namespace sluice
