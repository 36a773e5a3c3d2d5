// Screening's protos to core's values and back.
//
// From the wire: every violation found, with its path inside the message ("rules[2].weight"); enum numbers
// this server does not know are violations. What core checks itself (Screener::Compile, ValidateGate) is not
// checked here again.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/screening/gate.h"
#include "core/screening/posting.h"
#include "core/screening/profile.h"
#include "core/screening/verdict.h"
#include "sluice/v1/screening.pb.h"

namespace sluice {

absl::StatusOr<Profile> ProfileFromProto(const v1::Profile& proto);
absl::StatusOr<GateOptions> GateFromProto(const v1::Gate& proto);  // paths begin with "gate"
absl::StatusOr<Posting> PostingFromProto(std::string id, v1::Posting proto);
absl::Status CheckPosting(const v1::Posting& proto);  // what PostingFromProto would say

void GatePlanToProto(const GatePlan& plan, v1::GatePlan* proto);
absl::StatusOr<GatePlan> GatePlanFromProto(const v1::GatePlan& proto);

void VerdictToProto(const Verdict& verdict, v1::Verdict* proto);

}  // namespace sluice
