#include "tests/fakes/emulated_amx_kernels.h"

#include "absl/algorithm/container.h"
#include "core/inference/cpu/int8_kernels.h"
#if defined(__x86_64__)
#include "core/inference/cpu/int8_kernels_avx512.h"
#include "tests/fakes/avx512vl_kernels.h"
#include "tests/fakes/emulated_tiles.h"
#endif

namespace sluice {

std::vector<const Int8Kernels*> EveryVectorInt8Kernels() {
  std::vector<const Int8Kernels*> kernels(RunnableInt8Kernels().begin(), RunnableInt8Kernels().end());
#if defined(__x86_64__)
  if (const auto avx512 = absl::c_find(kernels, Avx512Int8Kernels()); avx512 != kernels.end()) {
    static Int8Kernels emulated = **avx512;
    emulated.name = "emulated_amx";
    emulated.product = EmulatedAmxProduct;
    emulated.attend = EmulatedAmxAttention;
    kernels.push_back(&emulated);
    kernels.push_back(Avx512VlInt8Kernels());
  }
#endif
  return kernels;
}

}  // namespace sluice
