// EncodeWithFallback: a micro-batch that fails is halved until the works that cannot be encoded stand alone.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/batching/cost_model.h"
#include "core/inference/encoder.h"

namespace sluice {

// A step down: a run of `texts` texts (2 or more) failed with `reason` and is tried again in two halves.
struct FallbackStep {
  size_t texts = 0;
  bool whole_batch = false;  // the micro-batch itself, not a part of it
  bool to_single = false;    // at least one of the halves is a single text
  absl::Status reason;
};

// Called around each forward pass that was made, and on each step down. Must not block.
class EncodeObserver {
 public:
  virtual ~EncodeObserver() = default;
  virtual void BeforePass(const PassSize& size) = 0;  // without the encoder's padding
  virtual void AfterPass(const PassSize& size, const absl::Status& status) = 0;
  virtual void OnFallback(const FallbackStep& step) = 0;
};

// Encodes `texts` into `vectors` ([texts.size(), dimensions]) and returns a status for each: OK, and its
// vector is there, or the encoder's own for it alone. Neighbours of a failing text succeed whatever the
// failure's code.
//
// ALGORITHM: bisection, left half first. One bad text in n costs about 2 log2(n) passes; if all fail, 2n - 1.
std::vector<absl::Status> EncodeWithFallback(Encoder& encoder,
                                             absl::Span<const absl::Span<const int32_t>> texts,
                                             absl::Span<float> vectors, EncodeObserver& observer);

}  // namespace sluice
