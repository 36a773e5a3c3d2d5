#include "core/base/error_details.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

// A field error reads well for people and keeps the path for machines.
TEST(ErrorDetails, FieldErrorCarriesPathAndDescription) {
  const absl::Status status = FieldError("profile.rules[2].regex.pattern", "missing )");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "profile.rules[2].regex.pattern: missing )");
  EXPECT_EQ(FieldViolationsOf(status),
            (std::vector<FieldViolation>{{"profile.rules[2].regex.pattern", "missing )"}}));
}

// Many violations travel together, in order, and the message says how many were left out of it.
TEST(ErrorDetails, FieldErrorsKeepsAllAndNamesTheFirst) {
  const std::vector<FieldViolation> violations = {
      {"a", "is empty"}, {"b", "is 9, at most 7"}, {"c", "twice"}};
  const absl::Status status = FieldErrors(violations);
  EXPECT_EQ(status.message(), "a: is empty (and 2 more)");
  EXPECT_EQ(FieldViolationsOf(status), violations);
}

TEST(ErrorDetails, ChecksNameTheFieldItsRangeAndItsValue) {
  EXPECT_TRUE(CheckRange("workers", 1, 1, 4).ok());
  EXPECT_TRUE(CheckRange("workers", 4, 1, 4).ok());
  for (const int64_t value : {0, 5}) {
    const absl::Status status = CheckRange("workers", value, 1, 4);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(FieldViolationsOf(status),
              (std::vector<FieldViolation>{{"workers", "must be 1 to 4, is " + std::to_string(value)}}));
  }
  EXPECT_TRUE(CheckPositive("lease", absl::Milliseconds(1)).ok());
  EXPECT_EQ(CheckPositive("lease", absl::ZeroDuration()).message(), "lease: must be more than 0, is 0");
}

TEST(ErrorDetails, NoViolationsIsOk) {
  EXPECT_TRUE(FieldErrors({}).ok());
}

// A part that was checked on its own is placed inside the whole.
TEST(ErrorDetails, PrefixFieldsPlacesEveryPath) {
  const absl::Status status =
      PrefixFields("profile", FieldErrors({{"rules[0].id", "is empty"}, {"", "is empty"}}));
  EXPECT_EQ(FieldViolationsOf(status),
            (std::vector<FieldViolation>{{"profile.rules[0].id", "is empty"}, {"profile", "is empty"}}));
}

TEST(ErrorDetails, PrefixFieldsLeavesOtherStatusesAlone) {
  const absl::Status status = absl::NotFoundError("no such batch");
  EXPECT_EQ(PrefixFields("profile", status), status);
}

// A refusal says why and when to come back; both survive side by side.
TEST(ErrorDetails, ReasonAndRetryDelayAreRead) {
  const absl::Status status = WithRetryDelay(
      WithReason(absl::ResourceExhaustedError("queue is full"), "QUEUE_FULL"), absl::Milliseconds(1500));
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(status), absl::Milliseconds(1500));
}

TEST(ErrorDetails, AbsentDetailsReadAsNone) {
  EXPECT_EQ(ReasonOf(absl::InternalError("x")), "");
  EXPECT_EQ(RetryDelayOf(absl::InternalError("x")), std::nullopt);
  EXPECT_TRUE(FieldViolationsOf(absl::InternalError("x")).empty());
}

TEST(ErrorDetails, OkStatusStaysPlain) {
  EXPECT_EQ(WithReason(absl::OkStatus(), "X"), absl::OkStatus());
}

}  // namespace
}  // namespace sluice
