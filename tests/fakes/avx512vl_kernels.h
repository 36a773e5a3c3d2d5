// The kernels for AVX-VNNI with its instruction in AVX-512's encoding, for processors that know that one
// only.
#pragma once

namespace sluice {

struct Int8Kernels;

// To be run only where there is AVX-512 VL with VNNI.
const Int8Kernels* Avx512VlInt8Kernels();

}  // namespace sluice
