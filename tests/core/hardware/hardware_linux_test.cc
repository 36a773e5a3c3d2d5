#include "core/hardware/hardware_linux.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kMiB = 1 << 20;

// A tree of /proc and /sys as a machine or container shows it.
class HardwareLinuxTest : public testing::Test {
 protected:
  HardwareLinuxTest() { Write("/proc/meminfo", "MemTotal:       8388608 kB\nMemFree:        100 kB\n"); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  const ScratchDirectory directory_;
  const std::string root_ = directory_.path();
};

TEST_F(HardwareLinuxTest, WithoutControlGroupsTheMachineIsTheLimit) {
  const Hardware hardware = ReadHardware(root_, 12);
  EXPECT_EQ(hardware.cores, 12);
  EXPECT_EQ(hardware.memory_bytes, 8192 * kMiB);
  EXPECT_EQ(hardware.processor, "unknown");
}

// A container with its own cgroup namespace: the limits are at the mount point.
TEST_F(HardwareLinuxTest, ReadsVersionTwoInAContainer) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "250000 100000\n");
  Write("/sys/fs/cgroup/memory.max", "1073741824\n");
  const Hardware hardware = ReadHardware(root_, 12);
  EXPECT_EQ(hardware.cores, 3) << "2.5 cores round up";
  EXPECT_EQ(hardware.memory_bytes, 1024 * kMiB);
}

// A service in nested slices: the least limit on the way up counts, whichever group sets it.
TEST_F(HardwareLinuxTest, TakesTheLeastLimitOnTheWayUp) {
  Write("/proc/self/cgroup", "0::/system.slice/sluiced.service\n");
  Write("/sys/fs/cgroup/system.slice/sluiced.service/cpu.max", "800000 100000\n");
  Write("/sys/fs/cgroup/system.slice/sluiced.service/memory.max", "536870912\n");
  Write("/sys/fs/cgroup/system.slice/cpu.max", "400000 100000\n");
  Write("/sys/fs/cgroup/system.slice/memory.max", "max\n");
  const Hardware hardware = ReadHardware(root_, 12);
  EXPECT_EQ(hardware.cores, 4);
  EXPECT_EQ(hardware.memory_bytes, 512 * kMiB);
}

TEST_F(HardwareLinuxTest, MaxMeansNoLimit) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  Write("/sys/fs/cgroup/memory.max", "max\n");
  const CgroupLimits limits = ReadCgroupLimits(root_);
  EXPECT_FALSE(limits.cores.has_value());
  EXPECT_FALSE(limits.memory_bytes.has_value());
}

// Version 1 names a directory after its set of controllers, and a container may not see the path that /proc
// names.
TEST_F(HardwareLinuxTest, ReadsVersionOne) {
  Write("/proc/self/cgroup", "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
  Write("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  Write("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "2147483648\n");
  const Hardware hardware = ReadHardware(root_, 12);
  EXPECT_EQ(hardware.cores, 2);
  EXPECT_EQ(hardware.memory_bytes, 2048 * kMiB);
}

// Version 1 says "no limit" with -1 and with a number beyond any memory.
TEST_F(HardwareLinuxTest, VersionOneWithoutLimits) {
  Write("/proc/self/cgroup", "5:memory:/\n4:cpu:/\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  const Hardware hardware = ReadHardware(root_, 12);
  EXPECT_EQ(hardware.cores, 12);
  EXPECT_EQ(hardware.memory_bytes, 8192 * kMiB);
}

// A hybrid machine mounts version 2 beside version 1; both are looked at.
TEST_F(HardwareLinuxTest, ReadsAHybridHierarchy) {
  Write("/proc/self/cgroup", "4:memory:/a\n0::/b\n");
  Write("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4294967296\n");
  Write("/sys/fs/cgroup/unified/b/cpu.max", "100000 100000\n");
  const Hardware hardware = ReadHardware(root_, 12);
  EXPECT_EQ(hardware.cores, 1);
  EXPECT_EQ(hardware.memory_bytes, 4096 * kMiB);
}

// Less than one core is still one; more quota than cores is no more cores.
TEST_F(HardwareLinuxTest, CoresStayWithinOneAndWhatIsUsable) {
  Write("/proc/self/cgroup", "0::/\n");
  Write("/sys/fs/cgroup/cpu.max", "10000 100000\n");
  EXPECT_EQ(ReadHardware(root_, 12).cores, 1);
  EXPECT_EQ(ReadHardware(root_, 0).cores, 1);
  Write("/sys/fs/cgroup/cpu.max", "6400000 100000\n");
  EXPECT_EQ(ReadHardware(root_, 12).cores, 12);
}

TEST_F(HardwareLinuxTest, BrokenFilesReadAsNoLimit) {
  Write("/proc/self/cgroup", "nonsense\n0:\n::\n4:cpu:/\n0::/x\n");
  Write("/sys/fs/cgroup/cpu.max", "fast\n");
  Write("/sys/fs/cgroup/x/cpu.max", "100000 0\n");
  Write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
  Write("/sys/fs/cgroup/memory.max", "");
  Write("/proc/meminfo", "MemTotal: lots kB\n");
  const Hardware hardware = ReadHardware(root_, 2);
  EXPECT_EQ(hardware.cores, 2);
  EXPECT_EQ(hardware.memory_bytes, 0);
}

TEST(ParseCpuInfo, ReadsX86) {
  Hardware hardware;
  ParseCpuInfo(
      "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor @ 2.50GHz\n"
      "flags\t\t: fpu avx avx2 avx512f avx512_vnni amx_bf16 amx_tile amx_int8\n\n"
      "processor\t: 1\nmodel name\t: another\nflags\t\t: avx512_bf16\n",
      hardware);
  EXPECT_EQ(hardware.processor, "Intel(R) Xeon(R) Processor @ 2.50GHz");
  EXPECT_THAT(hardware.features, ElementsAre("avx2", "avx512f", "avx512_vnni", "amx_bf16", "amx_int8"));
}

// arm64 has no model name and other spellings.
TEST(ParseCpuInfo, ReadsArm) {
  Hardware hardware;
  ParseCpuInfo("processor\t: 0\nFeatures\t: fp asimd evtstrm bf16 i8mm\nCPU implementer\t: 0x41\n", hardware);
  EXPECT_EQ(hardware.processor, "unknown");
  EXPECT_THAT(hardware.features, ElementsAre("neon", "bf16"));
}

TEST(ParseCpuInfo, NothingIsUnknown) {
  Hardware hardware;
  ParseCpuInfo("", hardware);
  EXPECT_EQ(hardware.processor, "unknown");
  EXPECT_THAT(hardware.features, IsEmpty());
}

// VNNI multiplies bytes; it says nothing about bf16.
TEST(HasBf16Instructions, AreOfAvx512AmxOrArm) {
  EXPECT_TRUE(HasBf16Instructions({.features = {"avx2", "avx512_bf16"}}));
  EXPECT_TRUE(HasBf16Instructions({.features = {"amx_bf16"}}));
  EXPECT_TRUE(HasBf16Instructions({.features = {"neon", "bf16"}}));
  EXPECT_FALSE(HasBf16Instructions({.features = {"avx512f", "avx512_vnni", "amx_int8"}}));
  EXPECT_FALSE(HasBf16Instructions({}));
}

}  // namespace
}  // namespace sluice
