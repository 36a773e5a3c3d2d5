// ProtoJobCodec: what the store keeps as bytes is a serialized message of sluice.v1: ScreenSpec or EmbedSpec,
// Posting (a text is itself), GatePlan, Verdict or EmbeddingResult.
#pragma once

#include <string>

#include "core/pipeline/job_codec.h"

namespace sluice {

// Thread-safe and stateless. Bytes that do not parse are DATA_LOSS: this server checked them before it stored
// them.
class ProtoJobCodec final : public JobCodec {
 public:
  absl::StatusOr<ScreenSpec> DecodeScreenSpec(absl::string_view spec) const override;
  absl::StatusOr<EmbedSpec> DecodeEmbedSpec(absl::string_view spec) const override;
  absl::StatusOr<Posting> DecodePosting(absl::string_view job_id, absl::string_view payload) const override;
  absl::StatusOr<std::string> DecodeText(absl::string_view payload) const override;
  std::string EncodePlan(const GatePlan& plan) const override;
  absl::StatusOr<GatePlan> DecodePlan(absl::string_view plan) const override;
  std::string EncodeVerdict(const Verdict& verdict) const override;
  std::string EncodeVector(absl::Span<const float> vector, int64_t tokens, bool truncated) const override;
};

}  // namespace sluice
