// Requests from bytes: what parses, and what is said of what does not.
#include "server/convert/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/utf8_boundary.h"
#include "server/convert/wire_faults.h"
#include "server/limits.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {
namespace {

using testing::HasSubstr;

grpc::ByteBuffer InSlices(const std::string& bytes, size_t slice_bytes) {
  std::vector<grpc::Slice> slices;
  for (size_t at = 0; at < bytes.size(); at += slice_bytes)
    slices.emplace_back(bytes.substr(at, slice_bytes));
  return grpc::ByteBuffer(slices.data(), slices.size());
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolationsOf(status)) fields.push_back(violation.field);
  return fields;
}

v1::CreateBatchRequest Request() {
  v1::CreateBatchRequest request;
  v1::Profile& profile = *request.mutable_batch()->mutable_screen()->mutable_profile();
  profile.set_text("engineer");
  v1::Rule& rule = *profile.add_rules();
  rule.set_id("terms");
  rule.mutable_terms()->add_any_of("C++");
  for (const char* id : {"a", "b"}) {
    v1::Job& job = *request.add_jobs();
    job.set_id(id);
    job.mutable_posting()->set_title("Ingenieur für Züge");
  }
  return request;
}

TEST(Wire, AMessageComesThroughBytesInAnyPieces) {
  const std::string bytes = Request().SerializeAsString();
  for (const size_t slice_bytes : {1, 7, 4096}) {
    grpc::ByteBuffer buffer = InSlices(bytes, slice_bytes);
    v1::CreateBatchRequest parsed;
    EXPECT_TRUE(ParseMessage(buffer, &parsed).ok());
    EXPECT_EQ(parsed.SerializeAsString(), bytes);
    EXPECT_FALSE(buffer.Valid());  // what was parsed is not held twice
  }
  grpc::ByteBuffer buffer = BytesOf(Request());
  EXPECT_EQ(buffer.Length(), bytes.size());
  EXPECT_EQ(TakeBytes(buffer).Length(), bytes.size());
  EXPECT_FALSE(buffer.Valid());
  EXPECT_TRUE(BytesOf(v1::GetBatchRequest()).Valid());
}

TEST(Wire, ACallThatEndsWithoutARequestSaysSo) {
  grpc::ByteBuffer none;
  v1::GetBatchRequest request;
  const absl::Status status = ParseMessage(none, &request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "MALFORMED_REQUEST");
}

// Wherever the bytes break off, the field is named in which they do; nothing that was sent is quoted.
TEST(Wire, BytesThatBreakOffAreNamedByTheirField) {
  const std::string whole = Request().SerializeAsString();
  int refused = 0;
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    grpc::ByteBuffer buffer = InSlices(whole.substr(0, bytes), 64);
    v1::CreateBatchRequest request;
    const absl::Status status = bytes == 0 ? absl::OkStatus() : ParseMessage(buffer, &request);
    if (status.ok()) continue;  // breaks off between two fields
    ++refused;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ReasonOf(status), "MALFORMED_REQUEST");
    EXPECT_THAT(status.message(), HasSubstr("sluice.v1.CreateBatchRequest"));
    EXPECT_THAT(status.message(), testing::Not(HasSubstr("ngen"))) << status;
  }
  EXPECT_GT(refused, 20);
  EXPECT_THAT(
      WhyUnreadable(*v1::CreateBatchRequest::descriptor(), whole.substr(0, whole.size() - 2)).message(),
      HasSubstr(", at jobs[1]"));
}

// Each text at every depth, and no more of them than an answer names.
TEST(Wire, EveryTextThatIsNotUtf8IsNamed) {
  v1::CreateBatchRequest request = Request();
  const std::string bad = "caf\xe9";
  request.mutable_batch()->mutable_screen()->mutable_profile()->mutable_rules(0)->mutable_terms()->add_any_of(
      bad);
  request.mutable_jobs(1)->mutable_posting()->set_location(bad);
  absl::Status status = WhyUnreadable(*request.GetDescriptor(), request.SerializeAsString());
  EXPECT_EQ(ReasonOf(status), "NOT_UTF8");
  EXPECT_THAT(FieldsOf(status), testing::ElementsAre("batch.screen.profile.rules[0].terms.any_of[1]",
                                                     "jobs[1].posting.location"));
  EXPECT_EQ(FieldViolationsOf(status)[0].description, "is not UTF-8 at byte 3 of 4");
  for (int i = 0; i < 100; ++i) request.add_jobs()->set_id(bad);
  status = WhyUnreadable(*request.GetDescriptor(), request.SerializeAsString());
  EXPECT_EQ(static_cast<int64_t>(FieldsOf(status).size()), kMaxFieldViolations);
}

// Whatever comes: either it is a message, or it is INVALID_ARGUMENT with a reason and a message in UTF-8.
TEST(Wire, AnyBytesAreTakenOrRefusedWithAReason) {
  std::mt19937 random(1);
  const std::string whole = Request().SerializeAsString();
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = whole;
    for (int change = 0; change < 1 + i % 4; ++change) {
      const size_t at = random() % bytes.size();
      if (random() % 4 == 0) {
        bytes.erase(at, 1 + random() % 8);
        if (bytes.empty()) bytes = "x";
      } else {
        bytes[at] = static_cast<char>(random());
      }
    }
    v1::CreateBatchRequest request;
    grpc::ByteBuffer buffer = InSlices(bytes, 1 + random() % 100);
    const absl::Status status = ParseMessage(buffer, &request);
    if (status.ok()) continue;
    ++refused;
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    ASSERT_TRUE(ReasonOf(status) == "MALFORMED_REQUEST" || ReasonOf(status) == "NOT_UTF8") << status;
    ASSERT_FALSE(absl::StrContains(status.message(), "it cannot be parsed")) << status;
    ASSERT_TRUE(IsWellFormedUtf8(status.message()));
  }
  EXPECT_GT(refused, 5000);
}

}  // namespace
}  // namespace sluice
