#include "core/admission/admission.h"

#include <gtest/gtest.h>

#include <string>

#include "core/base/error_details.h"

namespace sluice {
namespace {

constexpr AdmissionLimits kLimits = {
    .max_queued_jobs = 1000, .min_free_disk_bytes = 500, .max_bytes_in_flight = 100, .max_uploads = 2};

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

// A refusal tells a person what the limit is, how things stand and what to do.
TEST(Admit, MessagesNameTheLimit) {
  EXPECT_EQ(std::string(Admit(kLimits, {.queued_jobs = 991}, {.jobs = 10}).message()),
            "at most 1000 jobs may be queued and now 991 are; no room for 10 more: try later");
  EXPECT_EQ(std::string(Admit(kLimits, {}, {.jobs = 1, .bytes = 101}).message()),
            "requests being taken in hold at most 100 bytes; this one has 101: send fewer at once");
}

}  // namespace
}  // namespace sluice
