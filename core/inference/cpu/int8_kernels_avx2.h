// Int8Kernels for processors with AVX2 and FMA, on x86-64 only.
#pragma once

namespace sluice {

struct Int8Kernels;

// Instructions of AVX2 alone: pairs of products are summed up in 16 bits, so pairs of weights are bounded.
const Int8Kernels* Avx2Int8Kernels();

// With AVX-VNNI besides, the 256-bit form of AVX-512's dot products.
const Int8Kernels* AvxVnniInt8Kernels();

}  // namespace sluice
