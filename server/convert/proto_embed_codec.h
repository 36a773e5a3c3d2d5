// ProtoEmbedCodec: what the store keeps of an embed batch as bytes is a serialized message of sluice.v1:
// EmbedSpec or EmbeddingResult. A text is itself.
#pragma once

#include <string>

#include "core/pipeline/embed_codec.h"

namespace sluice {

// Thread-safe and stateless. Bytes that do not parse are DATA_LOSS: this server checked them before it stored
// them.
class ProtoEmbedCodec final : public EmbedCodec {
 public:
  absl::StatusOr<EmbedSpec> DecodeEmbedSpec(absl::string_view spec) const override;
  absl::StatusOr<std::string> DecodeText(absl::string_view payload) const override;
  std::string EncodeVector(absl::Span<const float> vector, int64_t tokens, bool truncated) const override;
};

}  // namespace sluice
