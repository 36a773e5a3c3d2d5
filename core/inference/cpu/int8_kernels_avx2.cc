// Compiled for AVX2 and FMA whatever the rest is compiled for: see int8_kernels_avx512.cc.
#include "core/inference/cpu/int8_kernels_avx2.h"

#include "core/inference/cpu/avx2_product.h"
#include "core/inference/cpu/avx2_vector.h"
#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/vector_kernels.h"

namespace sluice {
namespace {

using Integers = Avx2::Integers;

// By hand, as in int8_kernels_avx512.cc: the compiler would load the weights into registers, of which there
// are too few, and keep sums in memory.
struct PairwiseDot {
  using Weights = const Integers*;
  static constexpr int kGreatestWeightPair = 128;  // times 255 fits in 16 bits

  static Weights At(const int8_t* from) { return reinterpret_cast<const Integers*>(from); }
  static void Add(Integers& sum, Integers bytes, Weights weights) {
    Integers products;
    asm("vpmaddubsw %[weights], %[bytes], %[products]\n\t"
        "vpmaddwd %[ones], %[products], %[products]\n\t"
        "vpaddd %[products], %[sum], %[sum]"
        : [sum] "+x"(sum), [products] "=&x"(products)
        : [bytes] "x"(bytes), [weights] "m"(*weights), [ones] "x"(_mm256_set1_epi16(1)));
  }
};

// By hand, so that this source is compiled for AVX2 only.
struct AvxVnni : Avx2 {
  static void AddProducts(Integers& sum, Integers a, Integers b) {
    asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sum) : "x"(a), "x"(b));
  }
};

struct VexDot {
  using Weights = Integers;

  static Weights At(const int8_t* from) {
    return _mm256_loadu_si256(reinterpret_cast<const Integers*>(from));
  }
  static void Add(Integers& sum, Integers bytes, Weights weights) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(bytes), "x"(weights));
  }
};

constexpr Int8Kernels kPairwise =
    VectorKernels<Avx2>::With("avx2", PairwiseDot::kGreatestWeightPair, Avx2Product<PairwiseDot>::Run);
constexpr Int8Kernels kVex =
    VectorKernels<AvxVnni>::With("avx_vnni", kAnyWeightPair, Avx2Product<VexDot>::Run);

}  // namespace

const Int8Kernels* Avx2Int8Kernels() {
  return &kPairwise;
}

const Int8Kernels* AvxVnniInt8Kernels() {
  return &kVex;
}

}  // namespace sluice
