// The kernels on AMX tiles over an emulation of the tile instructions in AVX-512, for processors without AMX;
// and all others that can be tested here.
#pragma once

#include <vector>

namespace sluice {

struct Int8Kernels;

// RunnableInt8Kernels(), and behind them, where there is AVX-512, "emulated_amx" and those for AVX-VNNI in
// another encoding, "avx512vl".
std::vector<const Int8Kernels*> EveryVectorInt8Kernels();

}  // namespace sluice
