#include "core/base/error_details.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sluice {
namespace {

constexpr absl::string_view kFieldsUrl = "sluice/fields";
constexpr absl::string_view kReasonUrl = "sluice/reason";
constexpr absl::string_view kRetryUrl = "sluice/retry";
constexpr char kRecordEnd = '\x1e';
constexpr char kFieldEnd = '\x1f';

absl::Status WithPayload(absl::Status status, absl::string_view url, std::string value) {
  status.SetPayload(url, absl::Cord(std::move(value)));
  return status;
}

std::optional<std::string> PayloadOf(const absl::Status& status, absl::string_view url) {
  const auto payload = status.GetPayload(url);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

}  // namespace

absl::Status FieldError(absl::string_view field, absl::string_view description) {
  return FieldErrors({{std::string(field), std::string(description)}});
}

absl::Status CheckRange(absl::string_view field, int64_t value, int64_t min, int64_t max) {
  if (value >= min && value <= max) return absl::OkStatus();
  return FieldError(field, absl::StrCat("must be ", min, " to ", max, ", is ", value));
}

absl::Status CheckPositive(absl::string_view field, absl::Duration value) {
  if (value > absl::ZeroDuration()) return absl::OkStatus();
  return FieldError(field, absl::StrCat("must be more than 0, is ", absl::FormatDuration(value)));
}

absl::Status FieldErrors(const std::vector<FieldViolation>& violations) {
  if (violations.empty()) return absl::OkStatus();
  std::string message = violations[0].field.empty()
                            ? violations[0].description
                            : absl::StrCat(violations[0].field, ": ", violations[0].description);
  if (violations.size() > 1) absl::StrAppend(&message, " (and ", violations.size() - 1, " more)");
  std::string encoded;
  for (const FieldViolation& violation : violations) {
    absl::StrAppend(&encoded, violation.field, std::string(1, kFieldEnd), violation.description,
                    std::string(1, kRecordEnd));
  }
  return WithPayload(absl::InvalidArgumentError(message), kFieldsUrl, std::move(encoded));
}

std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status) {
  std::vector<FieldViolation> violations;
  const std::optional<std::string> encoded = PayloadOf(status, kFieldsUrl);
  if (!encoded.has_value()) return violations;
  for (absl::string_view record : absl::StrSplit(*encoded, kRecordEnd, absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(record, absl::MaxSplits(kFieldEnd, 1));
    violations.push_back({parts.first, parts.second});
  }
  return violations;
}

absl::Status PrefixFields(absl::string_view prefix, const absl::Status& status) {
  std::vector<FieldViolation> violations = FieldViolationsOf(status);
  if (violations.empty()) return status;
  for (FieldViolation& violation : violations) {
    violation.field =
        violation.field.empty() ? std::string(prefix) : absl::StrCat(prefix, ".", violation.field);
  }
  return FieldErrors(violations);
}

absl::Status WithReason(absl::Status status, absl::string_view reason) {
  if (status.ok()) return status;
  return WithPayload(std::move(status), kReasonUrl, std::string(reason));
}

std::string ReasonOf(const absl::Status& status) {
  return PayloadOf(status, kReasonUrl).value_or("");
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  if (status.ok()) return status;
  return WithPayload(std::move(status), kRetryUrl, absl::StrCat(absl::ToInt64Milliseconds(delay)));
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const std::optional<std::string> encoded = PayloadOf(status, kRetryUrl);
  int64_t milliseconds = 0;
  if (!encoded.has_value() || !absl::SimpleAtoi(*encoded, &milliseconds)) return std::nullopt;
  return absl::Milliseconds(milliseconds);
}

absl::Status DrainingError(absl::string_view advice) {
  constexpr absl::Duration kDelay = absl::Seconds(1);
  return WithRetryDelay(
      WithReason(absl::UnavailableError(absl::StrCat("the server is shutting down: ", advice)), "DRAINING"),
      kDelay);
}

}  // namespace sluice
