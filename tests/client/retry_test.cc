#include "client/cpp/retry.h"

#include <gtest/gtest.h>

#include "core/base/error_details.h"

namespace sluice {
namespace {

const RetryOptions kOptions{
    .max_attempts = 5, .initial_backoff = absl::Milliseconds(100), .max_backoff = absl::Milliseconds(350)};

TEST(Retry, UnavailableBacksOffDoublingToTheCap) {
  const absl::Status status = absl::UnavailableError("gone");
  EXPECT_EQ(NextAttemptIn(kOptions, 1, status, 0), absl::Milliseconds(50));
  EXPECT_EQ(NextAttemptIn(kOptions, 2, status, 0), absl::Milliseconds(100));
  EXPECT_EQ(NextAttemptIn(kOptions, 2, status, 0.5), absl::Milliseconds(150));
  EXPECT_EQ(NextAttemptIn(kOptions, 4, status, 0), absl::Milliseconds(175));
  EXPECT_EQ(NextAttemptIn(kOptions, 5, status, 0), std::nullopt);
}

TEST(Retry, ARefusalIsRetriedOnlyWhenToldWhen) {
  const absl::Status refused = absl::ResourceExhaustedError("full");
  EXPECT_EQ(NextAttemptIn(kOptions, 1, refused, 0.5), std::nullopt);
  EXPECT_EQ(NextAttemptIn(kOptions, 1, WithRetryDelay(refused, absl::Seconds(2)), 0), absl::Seconds(2));
  EXPECT_GT(NextAttemptIn(kOptions, 1, WithRetryDelay(refused, absl::Seconds(2)), 0.5), absl::Seconds(2));
  EXPECT_EQ(NextAttemptIn(kOptions, 1, WithRetryDelay(refused, absl::Hours(1)), 0), std::nullopt);
}

TEST(Retry, NothingElseIsRetried) {
  for (const absl::Status& status :
       {absl::InvalidArgumentError(""), absl::DeadlineExceededError(""), absl::InternalError(""),
        absl::AbortedError(""), absl::CancelledError("")}) {
    EXPECT_EQ(NextAttemptIn(kOptions, 1, status, 0), std::nullopt) << status;
  }
}

}  // namespace
}  // namespace sluice
