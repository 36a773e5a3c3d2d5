// Only for emulated_amx_kernels.cc, which knows whether the processor may run them.
#pragma once

#include <cstdint>

#include "core/inference/cpu/int8_kernels.h"

namespace sluice {

void EmulatedAmxProduct(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
                        float* y);
void EmulatedAmxAttention(const AttentionText& text);

}  // namespace sluice
