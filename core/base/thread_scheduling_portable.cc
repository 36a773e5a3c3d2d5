#include "core/base/thread.h"

namespace sluice {

void RunUnhurried() {}

void RunInBackground() {}

void SetTimeSlice(absl::Duration) {}

absl::Duration TimeSlice() {
  return absl::ZeroDuration();
}

}  // namespace sluice
