#include "core/base/thread.h"

namespace sluice {

void RunUnhurried() {}

void RunInBackground() {}

bool SetTimeSlice(absl::Duration) {
  return false;
}

absl::Duration TimeSlice() {
  return absl::ZeroDuration();
}

}  // namespace sluice
