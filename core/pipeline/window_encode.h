// Windows of a text to one vector: each window is a bulk work, the vectors are pooled.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/base/cancellation.h"
#include "core/batching/micro_batch_scheduler.h"
#include "core/pipeline/pipeline_loop.h"

namespace sluice {

using TokenWindows = std::vector<std::vector<int32_t>>;

int64_t CountTokens(const TokenWindows& windows);

// The mean of `vectors` weighted by `tokens`, at length 1 again. One vector is answered as it is. All of one
// length.
std::vector<float> PoolWindows(absl::Span<const std::vector<float>> vectors,
                               absl::Span<const int64_t> tokens);

// 0 when either is all zeros. Of one length.
double Cosine(absl::Span<const float> a, absl::Span<const float> b);

// Submits all of `windows` or none: a failure here is the scheduler's (QUEUE_FULL, UNAVAILABLE) and `done` is
// not called. Otherwise `done` gets the pooled vector, or the first window's failure, on the loop's thread.
absl::Status EncodeWindows(PipelineLoop& loop, MicroBatchScheduler& scheduler, TokenWindows windows,
                           const CancellationToken& cancellation,
                           absl::AnyInvocable<void(absl::StatusOr<std::vector<float>>) &&> done);

}  // namespace sluice
