#include "core/base/thread.h"

namespace sluice {

void RunInBackground() {}

}  // namespace sluice
