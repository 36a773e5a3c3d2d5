#include "core/base/mutex.h"

#include "absl/synchronization/mutex.h"

namespace sluice {

void SwitchAbseilDeadlockDetectionOff() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
}

}  // namespace sluice
