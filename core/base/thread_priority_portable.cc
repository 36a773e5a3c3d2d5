#include "core/base/thread.h"

namespace sluice {

void RunUnhurried() {}

void RunInBackground() {}

}  // namespace sluice
