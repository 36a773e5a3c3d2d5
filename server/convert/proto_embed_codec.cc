#include "server/convert/proto_embed_codec.h"

#include "core/base/status_macros.h"
#include "server/convert/embeddings_convert.h"
#include "server/convert/stored_message.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

absl::StatusOr<EmbedSpec> ProtoEmbedCodec::DecodeEmbedSpec(absl::string_view spec) const {
  SLUICE_ASSIGN_OR_RETURN(const v1::EmbedSpec proto, ParseStored<v1::EmbedSpec>(spec));
  EmbedSpec decoded;
  SLUICE_ASSIGN_OR_RETURN(decoded.truncation, TruncationFromProto(proto.truncation(), "truncation"));
  return decoded;
}

absl::StatusOr<std::string> ProtoEmbedCodec::DecodeText(absl::string_view payload) const {
  return std::string(payload);
}

std::string ProtoEmbedCodec::EncodeVector(absl::Span<const float> vector, int64_t tokens,
                                          bool truncated) const {
  v1::EmbeddingResult proto;
  proto.set_vector(EncodeVectors(vector, static_cast<int>(vector.size()), v1::FLOAT32));
  proto.set_tokens(tokens);
  proto.set_truncated(truncated);
  return proto.SerializeAsString();
}

}  // namespace sluice
