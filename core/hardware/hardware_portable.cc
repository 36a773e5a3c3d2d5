#include <unistd.h>

#include <algorithm>
#include <thread>

#include "core/hardware/hardware.h"

namespace sluice {

Hardware DetectHardware() {
  Hardware hardware;
  hardware.cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
#if defined(_SC_PHYS_PAGES)
  hardware.memory_bytes =
      std::max<int64_t>(0, sysconf(_SC_PHYS_PAGES)) * std::max<int64_t>(0, sysconf(_SC_PAGESIZE));
#endif
  hardware.processor = "unknown";
#if defined(__ARM_NEON)
  hardware.features.push_back("neon");
#endif
  return hardware;
}

}  // namespace sluice
