// Machine-readable details on an absl::Status: which field was wrong, which limit was hit, when to try again.
//
// core knows no gRPC; the server turns these into google.rpc.BadRequest, ErrorInfo and RetryInfo, the client
// back into file and line. Each With… returns the status with one more detail; an OK status is returned
// unchanged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sluice {

struct FieldViolation {
  std::string field;  // path in the request, as in "profile.rules[2].regex.pattern" or "jobs[17].id"
  std::string description;
  bool operator==(const FieldViolation&) const = default;
};

// INVALID_ARGUMENT "<field>: <description>" with the violation attached.
absl::Status FieldError(absl::string_view field, absl::string_view description);

// OK from `min` to `max`; else the FieldError "must be MIN to MAX, is VALUE". A duration must be more than 0.
absl::Status CheckRange(absl::string_view field, int64_t value, int64_t min, int64_t max);
absl::Status CheckPositive(absl::string_view field, absl::Duration value);

// INVALID_ARGUMENT with all of them; the message names the first and counts the rest. OK when there are none.
absl::Status FieldErrors(const std::vector<FieldViolation>& violations);

// The violations attached, in order; empty when there are none.
std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status);

// Puts `prefix` before every field path, for a part that was checked on its own ("profile" + "rules[2]").
absl::Status PrefixFields(absl::string_view prefix, const absl::Status& status);

// UPPER_SNAKE_CASE, as ErrorInfo.reason: "QUEUE_FULL", "REQUEST_ID_REUSED".
absl::Status WithReason(absl::Status status, absl::string_view reason);
std::string ReasonOf(const absl::Status& status);  // "" when none

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

// UNAVAILABLE (reason DRAINING), to be tried again after a second: what every room of a server that shuts
// down answers. `advice` follows the message.
absl::Status DrainingError(absl::string_view advice = "try another or later");

}  // namespace sluice
