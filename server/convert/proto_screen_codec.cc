#include "server/convert/proto_screen_codec.h"

#include <google/protobuf/arena.h>

#include <cstddef>
#include <utility>

#include "core/base/status_macros.h"
#include "server/convert/screening_convert.h"
#include "server/convert/stored_message.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {
namespace {

constexpr size_t kVerdictArenaBytes = 8 << 10;  // larger verdicts take more from the heap

}  // namespace

absl::StatusOr<ScreenSpec> ProtoScreenCodec::DecodeScreenSpec(absl::string_view spec) const {
  SLUICE_ASSIGN_OR_RETURN(const v1::ScreenSpec proto, ParseStored<v1::ScreenSpec>(spec));
  ScreenSpec decoded;
  SLUICE_ASSIGN_OR_RETURN(decoded.profile, ProfileFromProto(proto.profile()));
  SLUICE_ASSIGN_OR_RETURN(decoded.gate, GateFromProto(proto.gate()));
  return decoded;
}

absl::StatusOr<Posting> ProtoScreenCodec::DecodePosting(absl::string_view job_id,
                                                        absl::string_view payload) const {
  SLUICE_ASSIGN_OR_RETURN(v1::Posting proto, ParseStored<v1::Posting>(payload));
  return PostingFromProto(std::string(job_id), std::move(proto));
}

std::string ProtoScreenCodec::EncodePlan(const GatePlan& plan) const {
  v1::GatePlan proto;
  GatePlanToProto(plan, &proto);
  return proto.SerializeAsString();
}

absl::StatusOr<GatePlan> ProtoScreenCodec::DecodePlan(absl::string_view plan) const {
  SLUICE_ASSIGN_OR_RETURN(const v1::GatePlan proto, ParseStored<v1::GatePlan>(plan));
  return GatePlanFromProto(proto);
}

std::string ProtoScreenCodec::EncodeVerdict(const Verdict& verdict) const {
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

}  // namespace sluice
