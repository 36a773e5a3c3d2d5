#include "server/memory_upkeep.h"

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <algorithm>
#include <utility>

#include "core/metrics/process_usage.h"
#include "server/process_limits.h"

namespace sluice {
namespace {

constexpr int64_t kWorthwhileBytes = 16 << 20;
constexpr int64_t kToleratedBytes = 32 << 20;  // above what was held at the start
constexpr absl::Duration kOften = absl::Seconds(5);
constexpr absl::Duration kSeldom = absl::Seconds(20);  // while there is nothing to give back

// What could be handed out without asking the system, whether the pages were given back or not.
int64_t FreeBytesOfAllocator() {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  return static_cast<int64_t>(mallinfo2().fordblks);
#else
  return 0;
#endif
}

}  // namespace

MemoryUpkeep::System MemoryUpkeep::OfThisProcess(int64_t mark_bytes, const Clock& clock) {
  return {.held_bytes =
              [mark_bytes, limit = AddressSpaceLimit()] {
                const ProcessUsage usage = ReadProcessUsage();
                const int64_t free = limit < INT64_MAX ? FreeBytesOfAllocator() : 0;
                return HeldBytes({.resident_bytes = usage.resident_memory_bytes.value_or(0),
                                  .virtual_bytes = usage.virtual_memory_bytes.value_or(0) - free,
                                  .mark_bytes = mark_bytes,
                                  .address_space_bytes = limit});
              },
          .give_back = GiveBackFreeMemory,
          .monotonic_now = [&clock] { return clock.MonotonicNow(); }};
}

MemoryUpkeep::MemoryUpkeep(int64_t mark_bytes, System system)
    : mark_bytes_(mark_bytes), system_(std::move(system)), interval_(kOften) {}

int64_t MemoryUpkeep::Measure() {
  const int64_t held = system_.held_bytes();
  if (first_held_bytes_ < 0) first_held_bytes_ = held;
  if (held > mark_bytes_) return GiveBack(held);
  const bool grown = held > first_held_bytes_ + kToleratedBytes;
  return grown && system_.monotonic_now() >= give_back_at_ ? GiveBack(held) : held;
}

int64_t MemoryUpkeep::GiveBack(int64_t held) {
  system_.give_back();
  const int64_t left = system_.held_bytes();
  interval_ = held - left >= kWorthwhileBytes ? kOften : std::min(interval_ * 2, kSeldom);
  give_back_at_ = system_.monotonic_now() + interval_;
  return left;
}

void GiveBackFreeMemory() {
#if defined(__GLIBC__)
  malloc_trim(0);
#endif
}

}  // namespace sluice
