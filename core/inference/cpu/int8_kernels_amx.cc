// Compiled for AVX-512 and AMX whatever the rest is compiled for: see int8_kernels_avx512.cc.
#include "core/inference/cpu/int8_kernels_amx.h"

#include <cstdint>

#include "core/inference/cpu/amx_attention.h"
#include "core/inference/cpu/amx_product.h"
#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/int8_kernels_avx512.h"

namespace sluice {
namespace {

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfig) == 64);

// By hand: the compiler's intrinsics take numbers of tiles as literals only.
struct ProcessorTiles {
  static void Begin() {
    static constexpr TileConfig kEightWholeTiles;
    asm volatile("ldtilecfg %0" ::"m"(kEightWholeTiles));
  }
  static void End() { asm volatile("tilerelease"); }

  template <int t>
  static void Zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(t));
  }
  template <int t>
  static void Load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(stride), "i"(t) : "memory");
  }
  template <int t>
  static void Store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(stride), "i"(t) : "memory");
  }
  template <int c, int a, int b>
  static void MultiplyBytes() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(c), "i"(a), "i"(b));
  }
  template <int c, int a, int b>
  static void MultiplyBf16() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(c), "i"(a), "i"(b));
  }
};

}  // namespace

const Int8Kernels* AmxInt8Kernels() {
  static const Int8Kernels kernels = [] {
    Int8Kernels amx = *Avx512Int8Kernels();
    amx.name = "amx";
    amx.product = AmxProduct<ProcessorTiles>::Run;
    amx.attend = AmxAttention<ProcessorTiles>::Run;
    return amx;
  }();
  return &kernels;
}

}  // namespace sluice
