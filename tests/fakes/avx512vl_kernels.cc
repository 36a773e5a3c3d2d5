// Compiled for AVX2 whatever the rest is compiled for: no library's header may be included here.
#include "tests/fakes/avx512vl_kernels.h"

#include "core/inference/cpu/avx2_product.h"
#include "core/inference/cpu/vector_kernels.h"

namespace sluice {
namespace {

struct Avx512Vl : Avx2 {
  static void AddProducts(Integers& sum, Integers a, Integers b) {
    asm("%{evex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
  }
};

struct EvexDot {
  using Weights = Avx2::Integers;

  static Weights At(const int8_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const Avx2::Integers*>(from));
  }
  static void Add(Avx2::Integers& sum, Avx2::Integers bytes, Weights weights) {
    asm("%{evex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(bytes), "x"(weights));
  }
};

constexpr Int8Kernels kKernels =
    VectorKernels<Avx512Vl>::With("avx512vl", kAnyWeightPair, Avx2Product<EvexDot>::Run);

}  // namespace

const Int8Kernels* Avx512VlInt8Kernels() {
  return &kKernels;
}

}  // namespace sluice
