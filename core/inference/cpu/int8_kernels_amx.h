// The kernels are only for int8_kernels.cc, which knows whether the processor may run them.
#pragma once

namespace sluice {

struct Int8Kernels;

const Int8Kernels* AmxInt8Kernels();

}  // namespace sluice
