// ProtoScreenCodec: what the store keeps of a screen batch as bytes is a serialized message of sluice.v1:
// ScreenSpec, Posting, GatePlan or Verdict.
#pragma once

#include <string>

#include "core/pipeline/screen_codec.h"

namespace sluice {

// Thread-safe and stateless. Bytes that do not parse are DATA_LOSS: this server checked them before it stored
// them.
class ProtoScreenCodec final : public ScreenCodec {
 public:
  absl::StatusOr<ScreenSpec> DecodeScreenSpec(absl::string_view spec) const override;
  absl::StatusOr<Posting> DecodePosting(absl::string_view job_id, absl::string_view payload) const override;
  std::string EncodePlan(const GatePlan& plan) const override;
  absl::StatusOr<GatePlan> DecodePlan(absl::string_view plan) const override;
  std::string EncodeVerdict(const Verdict& verdict) const override;
};

}  // namespace sluice
