#include "core/hardware/hardware.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// This machine, whichever it is: it runs this test, so it has a core, some memory and a name.
TEST(DetectHardware, ReadsThisMachine) {
  const Hardware hardware = DetectHardware();
  EXPECT_GE(hardware.cores, 1);
  EXPECT_GT(hardware.memory_bytes, 16 << 20);
  EXPECT_FALSE(hardware.processor.empty());
}

}  // namespace
}  // namespace sluice
