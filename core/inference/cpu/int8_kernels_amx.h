// The kernels are only for int8_kernels.cc, which knows whether the processor may run them.
#pragma once

#include "core/inference/cpu/int8_kernels.h"

namespace sluice {

// By reasoning, not measured: tiles multiply so fast that each further block of columns, which adds to the
// output once more, would show; so few rows of so many columns take as much of the cache.
inline constexpr FeedBlock kAmxFeedBlock = {.rows = 96, .columns = 1536};
static_assert(kAmxFeedBlock.IsValid());

const Int8Kernels* AmxInt8Kernels();

}  // namespace sluice
