// Hardware: what this process may use. Only detects; decides nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

struct Hardware {
  int cores = 1;  // least of online, affinity mask and cgroup (v1, v2) quota rounded up; at least 1
  int64_t memory_bytes = 0;  // least of physical memory and the cgroup limit
  std::string processor;     // as the system names it; "unknown" when it does not
  // Of "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "neon", "bf16".
  std::vector<std::string> features;
};

struct ComputeDevice {
  std::string type;  // "cuda" or "mps"
  int index = 0;
  std::string name;
  int64_t memory_bytes = 0;  // of the device; unified memory on mps
};

// Of the processor: without them bf16 is emulated, slower than fp32.
bool HasBf16Instructions(const Hardware& hardware);

// Reads the machine. Never fails: what cannot be read keeps its default.
Hardware DetectHardware();

}  // namespace sluice
