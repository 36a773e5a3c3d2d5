// Measuring encoders: how fast replicas of one are while all are at work, and how long passes of many sizes
// take. Blocks; every replica runs on a thread of its own.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/clock.h"
#include "core/batching/cost_model.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/inference/encoder.h"
#include "core/inference/encoder_calibration.h"

namespace sluice {

// Makes the encoder of one replica with so many threads; call it on the thread that will use the encoder.
// Copies share one set of weights. Thread-safe.
using ReplicaMaker = std::function<absl::StatusOr<std::unique_ptr<Encoder>>(int threads, bool warm_ladder)>;

// Texts of one pass.
using ProbeTexts = std::vector<std::vector<int32_t>>;

// Fixed texts of random ids, as long as the model takes them. They are no language, but they go through every
// layer as any other does.
ProbeTexts MakeProbe(const EncoderDescription& model, absl::Span<const int64_t> lengths);

// 1,024 tokens in six lengths, about a CPU's micro-batch.
ProbeTexts MixedProbe(const EncoderDescription& model);

struct ThroughputMeasurement {
  std::vector<float> vectors;    // of the probe, by the first replica
  double tokens_per_second = 0;  // of all replicas together: the best of three passes over the probe
};

// The first pass of a replica makes what is made once, and is not timed. Errors are those of `make_encoder`
// and of Encode.
absl::StatusOr<ThroughputMeasurement> MeasureThroughput(const ReplicaMaker& make_encoder,
                                                        const Division& division, const ProbeTexts& probe,
                                                        const Clock& clock);

// So many equal texts in a pass.
struct PassShape {
  int texts = 1;
  int64_t text_tokens = 1;

  int64_t tokens() const { return texts * text_tokens; }
  friend bool operator==(const PassShape&, const PassShape&) = default;
};

// A spread of passes from the shortest text to a full micro-batch of the longest, as much of it as one
// replica of `tokens_per_second` runs once within `seconds`: small passes first, and never fewer than six.
// Pure.
std::vector<PassShape> SpreadOfPasses(int64_t max_text_tokens, const MicroBatchLimits& limits,
                                      double tokens_per_second, double seconds);

// Seconds of passes over texts of the given lengths: of each pass the least of `rounds` rounds (>= 1), the
// mean of the replicas, which all run the same pass at once. In the order of `passes`.
absl::StatusOr<std::vector<double>> MeasurePasses(const ReplicaMaker& make_encoder, const Division& division,
                                                  absl::Span<const std::vector<int64_t>> passes, int rounds,
                                                  const Clock& clock);

// The same of `shapes`.
absl::StatusOr<std::vector<CurvePoint>> MeasureCurve(const ReplicaMaker& make_encoder,
                                                     const Division& division,
                                                     absl::Span<const PassShape> shapes, int rounds,
                                                     const Clock& clock);

// With the padding that `encoder` adds.
PassSize SizeOf(const EncoderDescription& encoder, const PassShape& shape);

// The least cosine between texts' vectors; both are [n, dimensions]. 0 where a vector has no length.
double LeastCosine(absl::Span<const float> a, absl::Span<const float> b, int dimensions);

}  // namespace sluice
