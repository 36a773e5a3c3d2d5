// MemoryUpkeep: what memory this process holds, once the allocator has given back what is free.
//
// The allocator keeps what was freed for whoever asks next, so that after a burst a process seems to hold as
// much as at its worst moment, for ever. What is judged by must be what is used.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/time/time.h"
#include "core/base/clock.h"

namespace sluice {

// One thread's. Decides; the system's part is handed in.
class MemoryUpkeep {
 public:
  struct System {
    std::function<int64_t()> held_bytes;
    std::function<void()> give_back;  // what the allocator keeps; takes some milliseconds a gigabyte
    std::function<absl::Duration()> monotonic_now;
  };
  // Memory by the system's count, and address space where it is limited (HeldBytes). `clock` must outlive it.
  static System OfThisProcess(int64_t mark_bytes, const Clock& clock);

  // Above `mark_bytes` every measurement begins with giving back. Below, it is done now and then while more
  // is held than at the first one: other processes may want it.
  MemoryUpkeep(int64_t mark_bytes, System system);

  int64_t Measure();

 private:
  int64_t GiveBack(int64_t held);

  const int64_t mark_bytes_;
  const System system_;
  int64_t first_held_bytes_ = -1;
  absl::Duration interval_;
  absl::Duration give_back_at_;
};

// The allocator's free memory, to the system. Nothing where the allocator has no such call.
void GiveBackFreeMemory();

}  // namespace sluice
