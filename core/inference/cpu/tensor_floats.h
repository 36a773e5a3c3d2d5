// Tensors of a model file as fp32. Pure.
#pragma once

#include "core/inference/cpu/aligned_vector.h"
#include "core/inference/safetensors.h"

namespace sluice {

// Of an F32, F16 or BF16 tensor, row-major.
AlignedVector<float> FloatsOf(const TensorView& tensor);

// Of the same kinds; copies nothing.
bool AllFinite(const TensorView& tensor);

// The tensor's own memory where that is aligned fp32, else nullptr.
const float* FloatsInPlace(const TensorView& tensor);

}  // namespace sluice
