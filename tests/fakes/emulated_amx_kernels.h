// The kernels on AMX tiles over an emulation of the tile instructions in AVX-512, for processors without AMX.
#pragma once

#include <vector>

namespace sluice {

struct Int8Kernels;

// FastInt8Kernels(), and behind them the emulated ones, named "emulated_amx", where there is AVX-512.
std::vector<const Int8Kernels*> EveryFastInt8Kernels();

}  // namespace sluice
