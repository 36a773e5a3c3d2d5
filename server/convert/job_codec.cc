#include "server/convert/job_codec.h"

#include <google/protobuf/arena.h>

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/convert/embeddings_convert.h"
#include "server/convert/screening_convert.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {
namespace {

constexpr size_t kVerdictArenaBytes = 8 << 10;  // larger verdicts take more from the heap

template <typename Message>
absl::StatusOr<Message> Parse(absl::string_view bytes) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError(absl::StrCat("the stored bytes are no ", message.GetTypeName()));
  }
  return message;
}

}  // namespace

absl::StatusOr<ScreenSpec> ProtoJobCodec::DecodeScreenSpec(absl::string_view spec) const {
  SLUICE_ASSIGN_OR_RETURN(const v1::ScreenSpec proto, Parse<v1::ScreenSpec>(spec));
  ScreenSpec decoded;
  SLUICE_ASSIGN_OR_RETURN(decoded.profile, ProfileFromProto(proto.profile()));
  SLUICE_ASSIGN_OR_RETURN(decoded.gate, GateFromProto(proto.gate()));
  return decoded;
}

absl::StatusOr<EmbedSpec> ProtoJobCodec::DecodeEmbedSpec(absl::string_view spec) const {
  SLUICE_ASSIGN_OR_RETURN(const v1::EmbedSpec proto, Parse<v1::EmbedSpec>(spec));
  EmbedSpec decoded;
  SLUICE_ASSIGN_OR_RETURN(decoded.truncation, TruncationFromProto(proto.truncation(), "truncation"));
  return decoded;
}

absl::StatusOr<Posting> ProtoJobCodec::DecodePosting(absl::string_view job_id,
                                                     absl::string_view payload) const {
  SLUICE_ASSIGN_OR_RETURN(v1::Posting proto, Parse<v1::Posting>(payload));
  return PostingFromProto(std::string(job_id), std::move(proto));
}

absl::StatusOr<std::string> ProtoJobCodec::DecodeText(absl::string_view payload) const {
  return std::string(payload);
}

std::string ProtoJobCodec::EncodePlan(const GatePlan& plan) const {
  v1::GatePlan proto;
  GatePlanToProto(plan, &proto);
  return proto.SerializeAsString();
}

absl::StatusOr<GatePlan> ProtoJobCodec::DecodePlan(absl::string_view plan) const {
  SLUICE_ASSIGN_OR_RETURN(const v1::GatePlan proto, Parse<v1::GatePlan>(plan));
  return GatePlanFromProto(proto);
}

std::string ProtoJobCodec::EncodeVerdict(const Verdict& verdict) const {
  // A verdict is some fifty small messages: made and forgotten together.
  alignas(std::max_align_t) char block[kVerdictArenaBytes];
  google::protobuf::ArenaOptions options;
  options.initial_block = block;
  options.initial_block_size = sizeof(block);
  google::protobuf::Arena arena(options);
  auto* const proto = google::protobuf::Arena::CreateMessage<v1::Verdict>(&arena);
  VerdictToProto(verdict, proto);
  return proto->SerializeAsString();
}

std::string ProtoJobCodec::EncodeVector(absl::Span<const float> vector, int64_t tokens,
                                        bool truncated) const {
  v1::EmbeddingResult proto;
  proto.set_vector(EncodeVectors(vector, static_cast<int>(vector.size()), v1::FLOAT32));
  proto.set_tokens(tokens);
  proto.set_truncated(truncated);
  return proto.SerializeAsString();
}

}  // namespace sluice
