#include "core/inference/cpu/int8_kernels.h"

#if defined(__x86_64__)
#include "core/inference/cpu/int8_kernels_avx512.h"
#endif

namespace sluice {

const Int8Kernels* FastInt8Kernels() {
#if defined(__x86_64__)
  static const bool runs = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                           __builtin_cpu_supports("avx512vnni");
  if (runs) return Avx512Int8Kernels();
#endif
  return nullptr;
}

}  // namespace sluice
