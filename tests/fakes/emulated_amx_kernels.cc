#include "tests/fakes/emulated_amx_kernels.h"

#include "core/inference/cpu/int8_kernels.h"
#if defined(__x86_64__)
#include "tests/fakes/emulated_tiles.h"
#endif

namespace sluice {

std::vector<const Int8Kernels*> EveryFastInt8Kernels() {
  std::vector<const Int8Kernels*> kernels(FastInt8Kernels().begin(), FastInt8Kernels().end());
#if defined(__x86_64__)
  if (!kernels.empty()) {
    static Int8Kernels emulated = *kernels.back();
    emulated.name = "emulated_amx";
    emulated.product = EmulatedAmxProduct;
    emulated.attend = EmulatedAmxAttention;
    kernels.push_back(&emulated);
  }
#endif
  return kernels;
}

}  // namespace sluice
