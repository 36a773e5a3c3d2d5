// QuantizedLinear: the weights of y = x W^T + b in eight bits, packed once for Int8Kernels. Immutable and
// thread-safe.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/inference/cpu/aligned_vector.h"
#include "core/inference/cpu/int8_kernels.h"

namespace sluice {

class QuantizedLinear {
 public:
  // `weight` is [outputs, inputs] with outputs = bias.size(), a multiple of 64, and inputs one, too.
  // Each output has its own scale, symmetric: its greatest weight becomes 127, or as much of that as
  // `greatest_pair` (Int8Kernels::greatest_weight_pair) leaves room for. The packed weights are
  // written to `panels`, as many bytes from a cache line on, which must outlive this object.
  QuantizedLinear(absl::Span<const float> weight, absl::Span<const float> bias, int greatest_pair,
                  absl::Span<int8_t> panels);

  // Valid as long as this object stays where it is.
  QuantizedWeights View() const;

 private:
  void PackOutput(absl::Span<const float> weights, int64_t output, int greatest_pair);

  int64_t inputs_ = 0;
  absl::Span<int8_t> panels_;
  AlignedVector<float> scales_;
  AlignedVector<float> sums_;
  AlignedVector<float> bias_;
};

}  // namespace sluice
