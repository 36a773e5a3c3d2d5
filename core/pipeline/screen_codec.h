// ScreenCodec: how the opaque bytes of a screen batch in the store become core's values, and back. The server
// implements it over its protos, so that core knows none.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/screening/gate.h"
#include "core/screening/posting.h"
#include "core/screening/profile.h"
#include "core/screening/verdict.h"

namespace sluice {

struct ScreenSpec {
  Profile profile;
  GateOptions gate;
};

// Thread-safe and stateless. A decode failure is INVALID_ARGUMENT (bytes that this server did not write:
// DATA_LOSS).
class ScreenCodec {
 public:
  virtual ~ScreenCodec() = default;
  virtual absl::StatusOr<ScreenSpec> DecodeScreenSpec(absl::string_view spec) const = 0;
  virtual absl::StatusOr<Posting> DecodePosting(absl::string_view job_id,
                                                absl::string_view payload) const = 0;
  virtual std::string EncodePlan(const GatePlan& plan) const = 0;
  virtual absl::StatusOr<GatePlan> DecodePlan(absl::string_view plan) const = 0;
  virtual std::string EncodeVerdict(const Verdict& verdict) const = 0;
};

}  // namespace sluice
