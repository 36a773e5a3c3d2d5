#include "core/inference/cpu/int8_kernels.h"

#include <vector>

#if defined(__x86_64__)
#include "core/inference/cpu/int8_kernels_amx.h"
#include "core/inference/cpu/int8_kernels_avx512.h"
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sluice {
namespace {

#if defined(__x86_64__)
bool RunsAvx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

// Tiles are large, so that Linux keeps them for threads of processes that asked.
bool MayUseTiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

bool RunsAmx() {
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") &&
         __builtin_cpu_supports("amx-bf16") && MayUseTiles();
}
#endif

std::vector<const Int8Kernels*> RunnableKernels() {
  std::vector<const Int8Kernels*> runnable;
#if defined(__x86_64__)
  if (!RunsAvx512()) return runnable;
  if (RunsAmx()) runnable.push_back(AmxInt8Kernels());
  runnable.push_back(Avx512Int8Kernels());
#endif
  return runnable;
}

}  // namespace

absl::Span<const Int8Kernels* const> FastInt8Kernels() {
  static const std::vector<const Int8Kernels*> kernels = RunnableKernels();
  return kernels;
}

}  // namespace sluice
