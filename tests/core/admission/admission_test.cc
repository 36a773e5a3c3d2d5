#include "core/admission/admission.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "core/admission/call_load.h"
#include "core/admission/retry_spread.h"
#include "core/base/error_details.h"

namespace sluice {
namespace {

constexpr AdmissionLimits kLimits = {.max_queued_jobs = 1000,
                                     .max_queued_jobs_per_tenant = 600,
                                     .min_free_disk_bytes = 500,
                                     .max_memory_bytes = 9000,
                                     .max_bytes_in_flight = 100,
                                     .max_uploads = 2,
                                     .max_calls = 3,
                                     .max_streams = 4};

struct AdmissionCase {
  const char* name;
  AdmissionState state;
  AdmissionRequest request;
  // wanted
  absl::StatusCode code;
  const char* reason = "";
  std::optional<absl::Duration> delay = std::nullopt;
};

class AdmissionTest : public testing::TestWithParam<AdmissionCase> {};

TEST_P(AdmissionTest, IsDecided) {
  const AdmissionCase& wanted = GetParam();
  const absl::Status status = Admit(kLimits, wanted.state, wanted.request);
  EXPECT_EQ(status.code(), wanted.code) << status;
  EXPECT_EQ(ReasonOf(status), wanted.reason);
  EXPECT_EQ(RetryDelayOf(status), wanted.delay) << status;
}

constexpr auto kOk = absl::StatusCode::kOk;
constexpr auto kExhausted = absl::StatusCode::kResourceExhausted;
constexpr auto kUnavailable = absl::StatusCode::kUnavailable;

INSTANTIATE_TEST_SUITE_P(
    All, AdmissionTest,
    testing::Values(
        AdmissionCase{"AnIdleServerAdmits", {}, {.jobs = 10, .bytes = 50}, kOk},
        AdmissionCase{"ExactlyUpToTheJobs", {.queued_jobs = 990}, {.jobs = 10}, kOk},
        AdmissionCase{
            "OneJobTooMany", {.queued_jobs = 991}, {.jobs = 10}, kExhausted, "QUEUE_FULL", absl::Seconds(1)},
        // 90 jobs must go before these fit: at 20 a second that takes 4.5 s.
        AdmissionCase{"TheDelayIsTheTimeUntilThereIsRoom",
                      {.queued_jobs = 1000, .jobs_per_second = 20},
                      {.jobs = 90},
                      kExhausted,
                      "QUEUE_FULL",
                      absl::Milliseconds(4500)},
        AdmissionCase{"TheDelayIsAtLeastASecond",
                      {.queued_jobs = 1000, .jobs_per_second = 1e6},
                      {.jobs = 90},
                      kExhausted,
                      "QUEUE_FULL",
                      absl::Seconds(1)},
        AdmissionCase{"TheDelayIsAtMostAMinute",
                      {.queued_jobs = 1000, .jobs_per_second = 1e-9},
                      {.jobs = 90},
                      kExhausted,
                      "QUEUE_FULL",
                      absl::Seconds(60)},
        AdmissionCase{
            "ABatchThatNeverFitsGetsNoDelay", {}, {.jobs = 1001}, kExhausted, "QUEUE_FULL", std::nullopt},
        AdmissionCase{"AnUploadNeedsRoomForAJob",
                      {.queued_jobs = 1000},
                      {.upload = true},
                      kExhausted,
                      "QUEUE_FULL",
                      absl::Seconds(1)},
        AdmissionCase{"ExactlyDownToTheFreeDisk", {.free_disk_bytes = 550}, {.jobs = 1, .bytes = 50}, kOk},
        AdmissionCase{"DiskTooLow",
                      {.free_disk_bytes = 549},
                      {.jobs = 1, .bytes = 50},
                      kExhausted,
                      "DISK_LOW",
                      absl::Seconds(60)},
        AdmissionCase{"ExactlyUpToTheBytes", {.bytes_in_flight = 40}, {.jobs = 1, .bytes = 60}, kOk},
        AdmissionCase{"OneByteTooMany",
                      {.bytes_in_flight = 41},
                      {.jobs = 1, .bytes = 60},
                      kExhausted,
                      "TOO_MANY_BYTES",
                      absl::Seconds(1)},
        AdmissionCase{"BytesThatNeverFitGetNoDelay",
                      {},
                      {.jobs = 1, .bytes = 101},
                      kExhausted,
                      "TOO_MANY_BYTES",
                      std::nullopt},
        AdmissionCase{"TheLastUpload", {.open_uploads = 1}, {.upload = true}, kOk},
        AdmissionCase{"OneUploadTooMany",
                      {.open_uploads = 2},
                      {.upload = true},
                      kExhausted,
                      "TOO_MANY_UPLOADS",
                      absl::Seconds(1)},
        AdmissionCase{"UploadsDoNotStopBatches", {.open_uploads = 2}, {.jobs = 1}, kOk},
        AdmissionCase{"ExactlyUpToTheTenantsJobs", {.tenant_queued_jobs = 590}, {.jobs = 10}, kOk},
        AdmissionCase{"OneJobOfATenantTooMany",
                      {.queued_jobs = 591, .tenant_queued_jobs = 591, .jobs_per_second = 0.25},
                      {.jobs = 10},
                      kExhausted,
                      "TENANT_QUEUE_FULL",
                      absl::Seconds(4)},
        AdmissionCase{
            "MoreThanATenantMayEverHave", {}, {.jobs = 601}, kExhausted, "TENANT_QUEUE_FULL", std::nullopt},
        AdmissionCase{
            "AnotherTenantsJobsLeaveRoom", {.queued_jobs = 900, .tenant_queued_jobs = 0}, {.jobs = 100}, kOk},
        AdmissionCase{"ExactlyUpToTheMemory", {.memory_bytes = 9000}, {.jobs = 1}, kOk},
        AdmissionCase{"AByteOfMemoryTooMuch",
                      {.memory_bytes = 9001},
                      {.jobs = 1},
                      kExhausted,
                      "MEMORY_LOW",
                      absl::Seconds(1)},
        // 100 before it and its own 20 at 2 a second take a minute.
        AdmissionCase{"ABatchThatEndsAsItExpires",
                      {.queued_jobs = 100, .jobs_per_second = 2},
                      {.jobs = 20, .expires_after = absl::Minutes(1)},
                      kOk},
        AdmissionCase{"ABatchThatWouldExpireFirst",
                      {.queued_jobs = 100, .jobs_per_second = 2},
                      {.jobs = 20, .expires_after = absl::Seconds(57)},
                      kExhausted,
                      "DEADLINE_TOO_SHORT",
                      absl::Seconds(3)},
        // Those 90 wait for a model that is not here: its own 20 and the other 10 are what takes time.
        AdmissionCase{"WhatWaitsForAModelDelaysNobody",
                      {.queued_jobs = 100, .unrated_jobs = 90, .jobs_per_second = 2},
                      {.jobs = 20, .expires_after = absl::Seconds(15)},
                      kOk},
        AdmissionCase{"WhatWaitsForAModelIsQueuedAllTheSame",
                      {.queued_jobs = 991, .unrated_jobs = 991},
                      {.jobs = 10},
                      kExhausted,
                      "QUEUE_FULL",
                      absl::Seconds(1)},
        // What an idle server last did is what was asked of it, not what it can do.
        AdmissionCase{"AnIdleServerIsNotJudgedByItsRate",
                      {.jobs_per_second = 0.1},
                      {.jobs = 600, .expires_after = absl::Hours(1)},
                      kOk},
        AdmissionCase{"ABatchThatWouldExpireByItself",
                      {.queued_jobs = 1, .jobs_per_second = 2},
                      {.jobs = 20, .expires_after = absl::Seconds(9)},
                      kExhausted,
                      "DEADLINE_TOO_SHORT",
                      std::nullopt},
        AdmissionCase{"WithoutARateNothingIsKnownOfItsEnd",
                      {.queued_jobs = 100},
                      {.jobs = 20, .expires_after = absl::Seconds(1)},
                      kOk},
        AdmissionCase{"DrainingRefusesAll",
                      {.draining = true},
                      {.jobs = 1},
                      kUnavailable,
                      "DRAINING",
                      absl::Seconds(1)},
        AdmissionCase{"DrainingComesFirst",
                      {.free_disk_bytes = 0, .draining = true},
                      {.jobs = 1},
                      kUnavailable,
                      "DRAINING",
                      absl::Seconds(1)}),
    [](const auto& test) { return std::string(test.param.name); });

struct CallCase {
  const char* name;
  AdmissionState state;
  CallLoad load;
  CallRequest request;
  // wanted
  absl::StatusCode code;
  const char* reason = "";
  std::optional<absl::Duration> delay = std::nullopt;
};

class CallAdmissionTest : public testing::TestWithParam<CallCase> {};

TEST_P(CallAdmissionTest, IsDecided) {
  const CallCase& wanted = GetParam();
  const absl::Status status = AdmitCall(kLimits, wanted.state, wanted.load, wanted.request);
  EXPECT_EQ(status.code(), wanted.code) << status;
  EXPECT_EQ(ReasonOf(status), wanted.reason);
  EXPECT_EQ(RetryDelayOf(status), wanted.delay) << status;
}

// 1,000 tokens a second; a call may wait 200 ms.
CallLoad Queued(int64_t tokens, bool overloaded = false, absl::Duration oldest_wait = absl::ZeroDuration()) {
  return {.prompt_tokens = tokens,
          .tokens_per_second = 1000,
          .oldest_wait = oldest_wait,
          .target_wait = absl::Milliseconds(200),
          .overloaded = overloaded};
}

// The same, behind what large calls have waiting.
CallLoad BesideLarge(int64_t patient_tokens, CallLoad load) {
  load.patient_tokens = patient_tokens;
  return load;
}

INSTANTIATE_TEST_SUITE_P(
    All, CallAdmissionTest,
    testing::Values(
        CallCase{"AnIdleServerAdmits", {}, Queued(0), {.bytes = 50, .tokens = 100}, kOk},
        CallCase{"NoBoundOfBatchesMatters",
                 {.queued_jobs = 1000, .free_disk_bytes = 0, .open_uploads = 2, .draining = true},
                 Queued(0),
                 {},
                 kOk},
        CallCase{"TheLastCall", {.calls = 2}, {}, {}, kOk},
        CallCase{"OneCallTooMany", {.calls = 3}, {}, {}, kExhausted, "TOO_MANY_CALLS", absl::Seconds(1)},
        CallCase{"OneByteTooMany",
                 {.bytes_in_flight = 60},
                 {},
                 {.bytes = 41},
                 kExhausted,
                 "TOO_MANY_BYTES",
                 absl::Seconds(1)},
        CallCase{"MemoryIsLow", {.memory_bytes = 9001}, {}, {}, kExhausted, "MEMORY_LOW", absl::Seconds(1)},
        // 500 ms of waiting and 100 ms of its own.
        CallCase{"JustInTime",
                 {},
                 Queued(500),
                 {.tokens = 100, .time_left = absl::Milliseconds(600), .patient = true},
                 kOk},
        CallCase{"TooLate",
                 {},
                 Queued(500),
                 {.tokens = 100, .time_left = absl::Milliseconds(599)},
                 kExhausted,
                 "DEADLINE_TOO_SHORT",
                 absl::Seconds(1)},
        CallCase{"TheDelayIsTheQueues",
                 {},
                 Queued(7000),
                 {.tokens = 100, .time_left = absl::Seconds(2)},
                 kExhausted,
                 "DEADLINE_TOO_SHORT",
                 absl::Seconds(7)},
        CallCase{"ACallThatNeverFitsItsDeadlineGetsNoDelay",
                 {},
                 Queued(0),
                 {.tokens = 3000, .time_left = absl::Seconds(2)},
                 kExhausted,
                 "DEADLINE_TOO_SHORT",
                 std::nullopt},
        CallCase{"WithoutARateOnlyBoundsCount",
                 {},
                 {.prompt_tokens = 1 << 20},
                 {.tokens = 3000, .time_left = absl::Milliseconds(1)},
                 kOk},
        CallCase{"ABurstUpToTwiceTheTarget", {}, Queued(400), {.tokens = 10}, kOk},
        CallCase{"BeyondIsAnOverload",
                 {},
                 Queued(401),
                 {.tokens = 10},
                 kExhausted,
                 "QUEUE_OVERLOADED",
                 absl::Seconds(1)},
        CallCase{"InAStandingQueueLessThanThat", {}, Queued(200, true), {.tokens = 10}, kOk},
        CallCase{"BeyondThatIsAnOverload",
                 {},
                 Queued(201, true),
                 {.tokens = 10},
                 kExhausted,
                 "QUEUE_OVERLOADED",
                 absl::Seconds(1)},
        CallCase{"TheOldestsWaitCountsToo",
                 {},
                 Queued(10, false, absl::Milliseconds(301)),
                 {.tokens = 10},
                 kExhausted,
                 "QUEUE_OVERLOADED",
                 absl::Seconds(1)},
        CallCase{"WhatLargeCallsHaveWaitingIsNoneOfASmallOnesWait",
                 {},
                 BesideLarge(100'000, Queued(100)),
                 {.tokens = 100, .time_left = absl::Milliseconds(200)},
                 kOk},
        CallCase{"ALargeCallWaitsForThem",
                 {},
                 BesideLarge(1900, Queued(100)),
                 {.tokens = 1000, .time_left = absl::Milliseconds(2999), .patient = true},
                 kExhausted,
                 "DEADLINE_TOO_SHORT",
                 absl::Seconds(2)},
        CallCase{"ALargeCallMayWait", {}, Queued(5000, true), {.tokens = 2000, .patient = true}, kOk},
        CallCase{"ButNotBeyondItsDeadline",
                 {},
                 Queued(5000, true),
                 {.tokens = 2000, .time_left = absl::Seconds(6), .patient = true},
                 kExhausted,
                 "DEADLINE_TOO_SHORT",
                 absl::Seconds(5)}),
    [](const auto& test) { return std::string(test.param.name); });

// The share that a call reckons with is the one that the scheduler will give it.
TEST(LoadOf, BesideBulkWorkACallGetsTheSchedulersShare) {
  const SchedulerOptions options = {.weight = {3.0, 1.0}};
  SchedulerSnapshot snapshot;
  EXPECT_DOUBLE_EQ(LoadOf(snapshot, options, 1000).tokens_per_second, 1000);
  snapshot.queued_works[static_cast<int>(WorkClass::kBulk)] = 1;
  EXPECT_DOUBLE_EQ(LoadOf(snapshot, options, 1000).tokens_per_second, 750);
}

TEST(LoadOf, TellsPromptFromPatientWork) {
  SchedulerSnapshot snapshot;
  snapshot.queued_tokens[static_cast<int>(WorkClass::kInteractive)] = 700;
  snapshot.oldest_wait[static_cast<int>(WorkClass::kInteractive)] = absl::Seconds(9);
  snapshot.patient_tokens = 600;
  snapshot.oldest_prompt_wait = absl::Seconds(1);
  const CallLoad load = LoadOf(snapshot, {}, 1000);
  EXPECT_EQ(load.prompt_tokens, 100);
  EXPECT_EQ(load.patient_tokens, 600);
  EXPECT_EQ(load.oldest_wait, absl::Seconds(1));
}

TEST(AdmitStream, IsBounded) {
  EXPECT_TRUE(AdmitStream(kLimits, {.streams = 3}).ok());
  const absl::Status refused = AdmitStream(kLimits, {.streams = 4});
  EXPECT_EQ(refused.code(), kExhausted);
  EXPECT_EQ(ReasonOf(refused), "TOO_MANY_STREAMS");
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(1));
}

// Clients refused in one moment must not come back in one moment.
TEST(RetrySpread, IsHalfEitherWay) {
  const absl::Status status =
      WithRetryDelay(WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL"), absl::Seconds(4));
  EXPECT_EQ(RetryDelayOf(SpreadRetryDelay(status, 0)), absl::Seconds(2));
  EXPECT_EQ(RetryDelayOf(SpreadRetryDelay(status, 0.5)), absl::Seconds(4));
  EXPECT_EQ(RetryDelayOf(SpreadRetryDelay(status, 0.75)), absl::Seconds(5));
  EXPECT_EQ(ReasonOf(SpreadRetryDelay(status, 0.25)), "QUEUE_FULL");
  EXPECT_EQ(SpreadRetryDelay(status, 0.25).message(), "full");
}

TEST(RetrySpread, WhatHasNoDelayGetsNone) {
  EXPECT_EQ(RetryDelayOf(SpreadRetryDelay(absl::ResourceExhaustedError("never fits"), 0.5)), std::nullopt);
  EXPECT_TRUE(SpreadRetryDelay(absl::OkStatus(), 0.5).ok());
}

// A refusal tells a person what the limit is, how things stand and what to do.
TEST(Admit, MessagesNameTheLimit) {
  EXPECT_EQ(std::string(Admit(kLimits, {.queued_jobs = 991}, {.jobs = 10}).message()),
            "at most 1000 jobs may be queued and now 991 are; no room for 10 more: try later");
  EXPECT_EQ(std::string(Admit(kLimits, {}, {.jobs = 1, .bytes = 101}).message()),
            "requests being taken in hold at most 100 bytes; this one has 101: send fewer at once");
}

}  // namespace
}  // namespace sluice
