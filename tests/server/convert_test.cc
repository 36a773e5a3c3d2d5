#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/utf8_boundary.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/convert/batches_convert.h"
#include "server/convert/embeddings_convert.h"
#include "server/convert/proto_screen_codec.h"
#include "server/convert/request_digest.h"
#include "server/convert/screening_convert.h"
#include "server/convert/status_convert.h"
#include "server/convert/wire.h"
#include "server/limits.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

v1::NewBatch ScreenBatch() {
  v1::NewBatch batch;
  batch.mutable_screen()->mutable_profile()->set_text("C++ and Linux");
  batch.mutable_screen()->mutable_gate()->set_policy(v1::Gate::RULES_ONLY);
  return batch;
}

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolationsOf(status)) fields.push_back(violation.field);
  return fields;
}

v1::Job PostingJob(const std::string& id) {
  v1::Job job;
  job.set_id(id);
  job.mutable_posting()->set_title("Engineer");
  return job;
}

// What a status carries arrives at the other end.
TEST(StatusConvert, RoundTripsWithDetails) {
  const absl::Status fields = FieldErrors({{"jobs[1].id", "is empty"}, {"batch", "is missing"}});
  const absl::Status refusal = WithRetryDelay(WithReason(absl::ResourceExhaustedError("full"), "QUEUE_FULL"),
                                              absl::Milliseconds(1500));
  for (const absl::Status& status : {fields, refusal, absl::Status(absl::NotFoundError("none"))}) {
    const absl::Status back = FromGrpcStatus(ToGrpcStatus(status));
    EXPECT_EQ(back.code(), status.code());
    EXPECT_EQ(back.message(), status.message());
    EXPECT_EQ(FieldViolationsOf(back), FieldViolationsOf(status));
    const bool has_reason = !ReasonOf(status).empty();
    EXPECT_EQ(ReasonOf(back), has_reason ? ReasonOf(status) : absl::StatusCodeToString(status.code()));
    EXPECT_EQ(RetryDelayOf(back), RetryDelayOf(status));
  }
}

// A request with a thousand mistakes must not break the answer's metadata bound.
TEST(StatusConvert, CutsDetailsToFitMetadata) {
  std::vector<FieldViolation> violations(1000, {"jobs[1].posting.title", std::string(100, 'x')});
  EXPECT_LT(ToGrpcStatus(FieldErrors(violations)).error_details().size(), 5000u);
}

// Messages quote paths and what systems say, in any bytes; a status that a client cannot parse says nothing.
TEST(StatusConvert, BytesThatAreNoUtf8AreReplaced) {
  std::string wide;
  while (wide.size() < 3000) wide += "€";
  for (const std::string& text : {std::string("caf\xE9"), std::string(2000, '\x80'), wide}) {
    const absl::Status status = WithReason(FieldError(text, text), text);
    google::rpc::Status proto;
    StatusToProto(status, &proto);
    EXPECT_TRUE(google::rpc::Status().ParseFromString(proto.SerializeAsString()));
    google::rpc::BadRequest bad_request;
    google::rpc::ErrorInfo info;
    ASSERT_EQ(proto.details_size(), 2);
    EXPECT_TRUE(proto.details(0).UnpackTo(&info));
    EXPECT_TRUE(proto.details(1).UnpackTo(&bad_request));
    EXPECT_TRUE(IsWellFormedUtf8(proto.message()));
    EXPECT_LE(proto.message().size(), 1024u);
  }
}

TEST(BatchesConvert, EveryMistakeOfABatchIsNamed) {
  v1::NewBatch batch = ScreenBatch();
  batch.mutable_screen()->mutable_gate()->set_policy(v1::Gate::FIXED);
  batch.set_priority(101);
  batch.mutable_expires_after()->set_seconds(8 * 24 * 3600);
  batch.mutable_as_of()->set_nanos(-1);
  const auto status = NewBatchFromProto(batch, {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolationsOf(status)) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("batch.screen.gate.threshold", "batch.as_of", "batch.expires_after",
                                  "batch.priority"));
}

TEST(BatchesConvert, ABadPatternIsNamedByItsPath) {
  v1::NewBatch batch = ScreenBatch();
  v1::Rule* rule = batch.mutable_screen()->mutable_profile()->add_rules();
  rule->set_id("r");
  rule->set_effect(v1::Rule::MUST);
  rule->mutable_regex()->set_pattern("(");
  const auto violations = FieldViolationsOf(NewBatchFromProto(batch, {}).status());
  ASSERT_FALSE(violations.empty());
  EXPECT_EQ(violations[0].field, "batch.screen.profile.rules[0].regex.pattern");
}

// One rule for each word that the proto has, and after each kind of them one for a word that it has not.
TEST(ScreeningConvert, EveryWordOfARuleIsUnderstoodAndNoOther) {
  v1::Profile profile;
  std::vector<std::string> not_understood;
  const auto add = [&](const google::protobuf::EnumDescriptor* words, const char* path, auto set) {
    std::vector<int> numbers = {99};
    for (int i = 0; i < words->value_count(); ++i) {
      if (words->value(i)->number() != 0) numbers.push_back(words->value(i)->number());
    }
    not_understood.push_back(absl::StrCat("rules[", profile.rules_size(), "].", path));
    for (const int number : numbers) {
      v1::Rule* rule = profile.add_rules();
      rule->set_effect(v1::Rule::MUST);
      set(*rule, number);
    }
  };
  add(v1::Rule::Effect_descriptor(), "effect",
      [](v1::Rule& rule, int word) { rule.set_effect(static_cast<v1::Rule::Effect>(word)); });
  add(v1::Rule::OnUnknown_descriptor(), "on_unknown",
      [](v1::Rule& rule, int word) { rule.set_on_unknown(static_cast<v1::Rule::OnUnknown>(word)); });
  add(v1::Rule::Field_descriptor(), "fields[0]",
      [](v1::Rule& rule, int word) { rule.add_fields(static_cast<v1::Rule::Field>(word)); });
  add(v1::SalaryPeriod_descriptor(), "salary.period", [](v1::Rule& rule, int word) {
    rule.mutable_salary()->set_period(static_cast<v1::SalaryPeriod>(word));
  });
  add(v1::WorkPlaceCondition::WorkPlace_descriptor(), "work_place.any_of[0]", [](v1::Rule& rule, int word) {
    rule.mutable_work_place()->add_any_of(static_cast<v1::WorkPlaceCondition::WorkPlace>(word));
  });
  add(v1::SeniorityCondition::Seniority_descriptor(), "seniority.any_of[0]", [](v1::Rule& rule, int word) {
    rule.mutable_seniority()->add_any_of(static_cast<v1::SeniorityCondition::Seniority>(word));
  });
  const absl::Status status = ProfileFromProto(profile).status();
  std::vector<std::string> fields;
  for (const FieldViolation& violation : FieldViolationsOf(status)) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAreArray(not_understood));
}

TEST(BatchesConvert, EmbeddingNeedsAModel) {
  v1::NewBatch batch;
  batch.mutable_embed()->set_truncation(v1::TRUNCATION_END);
  EXPECT_TRUE(NewBatchFromProto(batch, {.has_model = true}).ok());
  const absl::Status status = NewBatchFromProto(batch, {.has_model = false}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "NO_MODEL");
}

// Without a model, a batch whose plan let postings go on to one says what it waits for, until it has ended.
TEST(BatchesConvert, ABatchSaysThatItWaitsForAModel) {
  v1::GatePlan plan;
  plan.set_survivors(3);
  plan.set_model_digest("sha256:abc");
  Batch batch;
  batch.id = "0a1v";
  batch.state = BatchState::kRunning;
  batch.plan = plan.SerializeAsString();
  const auto waits_for = [&](bool has_model) {
    v1::Batch proto;
    EXPECT_TRUE(BatchToProto(batch, has_model, &proto).ok());
    return proto.waits_for();
  };
  EXPECT_THAT(waits_for(false), testing::HasSubstr("sha256:abc"));
  EXPECT_EQ(waits_for(true), "");
  batch.state = BatchState::kSucceeded;
  EXPECT_EQ(waits_for(false), "");
  batch.state = BatchState::kRunning;
  plan.set_survivors(0);
  batch.plan = plan.SerializeAsString();
  EXPECT_EQ(waits_for(false), "");
}

TEST(BatchesConvert, JobsAreCheckedWithTheirPaths) {
  google::protobuf::RepeatedPtrField<v1::Job> jobs;
  *jobs.Add() = PostingJob("");
  *jobs.Add() = PostingJob(std::string(257, 'i'));
  jobs.Add()->set_id("text");
  jobs.Mutable(2)->set_text("not a posting");
  *jobs.Add() = PostingJob("large");
  jobs.Mutable(3)->mutable_posting()->set_description(std::string(kMaxPostingBytes, 'x'));
  *jobs.Add() = PostingJob("date");
  jobs.Mutable(4)->mutable_posting()->set_date_posted("2026-1-5");
  std::vector<std::string> fields;
  for (const FieldViolation& violation :
       FieldViolationsOf(JobsFromProto(JobKind::kScreen, 10, jobs).status())) {
    fields.push_back(violation.field);
  }
  EXPECT_THAT(fields, ElementsAre("jobs[10].id", "jobs[11].id", "jobs[12]", "jobs[13].posting",
                                  "jobs[14].posting.date_posted"));
}

TEST(BatchesConvert, ADateHasOneForm) {
  const auto is_date = [](const std::string& text) {
    google::protobuf::RepeatedPtrField<v1::Job> jobs;
    *jobs.Add() = PostingJob("a");
    jobs.Mutable(0)->mutable_posting()->set_date_posted(text);
    const auto checked = JobsFromProto(JobKind::kScreen, 0, jobs);
    EXPECT_TRUE(checked.ok() ||
                FieldsOf(checked.status()) == std::vector<std::string>{"jobs[0].posting.date_posted"});
    return checked.ok();
  };
  for (const char* date : {"2026-01-05", "2024-02-29", "0001-01-01", "9999-12-31"})
    EXPECT_TRUE(is_date(date)) << date;
  for (const char* text :
       {"-001-01-01", "+001-01-01", "0000-01-01", " 2026-1-05", "2026-1-05 ", "2026-1- 05", "2026-02-30",
        "2026-13-01", "2026-00-10", "2026-01-00", "2026/01/05", "20260-1-05", "2026-01-0x", "2026-1-+05"}) {
    EXPECT_FALSE(is_date(text)) << text;
  }
}

// What the messages allow, to the last second, and no more: no moment or expiry is taken for another.
TEST(BatchesConvert, MomentsAndExpiriesOutOfRangeAreNamed) {
  using Limits64 = std::numeric_limits<int64_t>;
  using Limits32 = std::numeric_limits<int32_t>;
  const auto fields = [](int64_t as_of, int32_t as_of_nanos, int64_t expiry, int32_t expiry_nanos) {
    v1::NewBatch batch = ScreenBatch();
    batch.mutable_as_of()->set_seconds(as_of);
    batch.mutable_as_of()->set_nanos(as_of_nanos);
    batch.mutable_expires_after()->set_seconds(expiry);
    batch.mutable_expires_after()->set_nanos(expiry_nanos);
    return FieldsOf(NewBatchFromProto(batch, {"", absl::Now(), false}).status());
  };
  constexpr int64_t kYear1 = -62'135'596'800;
  constexpr int64_t kYear10000 = 253'402'300'800;
  EXPECT_THAT(fields(kYear1, 0, 1, 0), testing::IsEmpty());
  EXPECT_THAT(fields(kYear10000 - 1, 999'999'999, kMaxExpirySeconds, 0), testing::IsEmpty());
  for (const int64_t seconds : {kYear1 - 1, kYear10000, Limits64::min(), Limits64::max()})
    EXPECT_THAT(fields(seconds, 0, 1, 0), ElementsAre("batch.as_of")) << seconds;
  for (const int32_t nanos : {-1, 1'000'000'000, Limits32::min(), Limits32::max()})
    EXPECT_THAT(fields(0, nanos, 1, 0), ElementsAre("batch.as_of")) << nanos;
  for (const int64_t seconds :
       {int64_t{0}, int64_t{-1}, kMaxExpirySeconds + 1, Limits64::min(), Limits64::max()})
    EXPECT_THAT(fields(0, 0, seconds, 0), ElementsAre("batch.expires_after")) << seconds;
  for (const int32_t nanos : {-1, 1'000'000'000, Limits32::min(), Limits32::max()})
    EXPECT_THAT(fields(0, 0, 1, nanos), ElementsAre("batch.expires_after")) << nanos;
  EXPECT_THAT(fields(0, 0, kMaxExpirySeconds, 1), ElementsAre("batch.expires_after"));
}

TEST(BatchesConvert, StorePathsCountFromTheFirstJobOfAll) {
  const absl::Status shifted = ShiftJobPaths(FieldError("jobs[3].id", "is there already"), 1000);
  EXPECT_EQ(FieldViolationsOf(shifted)[0].field, "jobs[1003].id");
}

TEST(BatchesConvert, NamesAreChecked) {
  EXPECT_EQ(*BatchIdFromName("batches/0a1v"), "0a1v");
  for (const char* name : {"", "batches/", "batch/1", "0a1v", "batches/1/2", "batches/../x", "batches/X"}) {
    EXPECT_EQ(BatchIdFromName(name).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

// The digest tells whether a request_id stands for the same content: it must see every field, and neither the
// request_id itself nor how an upload was cut.
// A stored result is passed on unread, and arrives as the message it is.
TEST(BatchesConvert, OutcomesArriveWithTheirResults) {
  const auto arrived = [](JobKind kind, const Outcome& outcome) {
    v1::ListResultsResponse page, received;
    OutcomeToWire(kind, outcome, page.add_results());
    page.mutable_results(0)->set_rank(3);
    EXPECT_TRUE(received.ParseFromString(page.SerializeAsString()));
    return received.results(0);
  };
  v1::Verdict verdict;
  verdict.set_decision(v1::Verdict::REVIEW);
  verdict.add_reasons("mentions C++");
  verdict.add_rules()->set_rule_id("pay");
  Outcome outcome{
      .sequence = 7, .job_index = 2, .job_id = "a", .kind = OutcomeKind::kSucceeded, .attempt = 1};
  outcome.result = verdict.SerializeAsString();
  const v1::JobResult screened = arrived(JobKind::kScreen, outcome);
  EXPECT_EQ(screened.verdict().SerializeAsString(), outcome.result);
  EXPECT_EQ(screened.sequence(), 7);
  EXPECT_EQ(screened.id(), "a");
  EXPECT_EQ(screened.rank(), 3);
  EXPECT_TRUE(screened.has_verdict());

  v1::EmbeddingResult embedding;
  embedding.set_tokens(5);
  outcome.result = embedding.SerializeAsString();
  EXPECT_EQ(arrived(JobKind::kEmbed, outcome).embedding().tokens(), 5);

  outcome.kind = OutcomeKind::kFailed;
  outcome.error_code = absl::StatusCode::kDataLoss;
  outcome.error_reason = "NOT_FINITE";
  outcome.error_message = "no number";
  const v1::JobResult failed = arrived(JobKind::kScreen, outcome);
  EXPECT_FALSE(failed.has_verdict());
  EXPECT_EQ(failed.error().message(), "no number");
  EXPECT_EQ(failed.error().code(), static_cast<int>(absl::StatusCode::kDataLoss));
}

TEST(RequestDigest, SeesContentAndNothingElse) {
  const auto digest = [](const v1::NewBatch& batch, const std::vector<v1::Job>& jobs) {
    RequestDigest of_request;
    of_request.Add(batch, "request_id");
    for (const v1::Job& job : jobs) of_request.Add(job);
    return of_request.Finish();
  };
  v1::NewBatch batch = ScreenBatch();
  const std::string first = digest(batch, {PostingJob("a"), PostingJob("b")});
  batch.set_request_id("again");
  EXPECT_EQ(digest(batch, {PostingJob("a"), PostingJob("b")}), first);
  EXPECT_NE(digest(batch, {PostingJob("b"), PostingJob("a")}), first);
  EXPECT_NE(digest(batch, {PostingJob("a")}), first);
  batch.mutable_screen()->mutable_profile()->set_id("other");
  EXPECT_NE(digest(batch, {PostingJob("a"), PostingJob("b")}), first);
}

TEST(ProtoScreenCodec, PlansRoundTrip) {
  GatePlan plan = {.policy = GatePolicy::kFixed,
                   .preference = Preference::kSpeed,
                   .threshold = 0.25,
                   .postings = 7,
                   .vetoed = 1,
                   .gated = 2,
                   .survivors = 4,
                   .limited_by = "threshold",
                   .calibration_id = "c",
                   .model_digest = "d",
                   .bm25_mean = 0.5,
                   .bm25_stddev = 0.125,
                   .prior_log_odds = -1.5,
                   .phase2_prior_log_odds = 2.5,
                   .as_of = absl::FromUnixMillis(1'700'000'000'123)};
  const ProtoScreenCodec codec;
  const auto back = codec.DecodePlan(codec.EncodePlan(plan));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(codec.EncodePlan(*back), codec.EncodePlan(plan));
  EXPECT_EQ(back->policy, plan.policy);
  EXPECT_EQ(back->preference, plan.preference);
  EXPECT_EQ(back->threshold, plan.threshold);
  EXPECT_EQ(back->survivors, plan.survivors);
  EXPECT_EQ(back->as_of, plan.as_of);
  EXPECT_EQ(codec.DecodePlan("\xff\xff").status().code(), absl::StatusCode::kDataLoss);
}

// As a newer server may have left it behind.
TEST(ProtoScreenCodec, APlanOfAnUnknownPolicyIsRefused) {
  v1::GatePlan plan;
  plan.set_policy(static_cast<v1::Gate::Policy>(99));
  const absl::Status status = ProtoScreenCodec().DecodePlan(plan.SerializeAsString()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldViolationsOf(status).size(), 1u);
}

TEST(EmbeddingsConvert, EncodesVectorsAsDocumented) {
  const std::vector<float> vectors = {1.0f, -0.5f, 0.0f, 65504.0f, 5.9604645e-8f, 1e9f};
  EXPECT_EQ(EncodeVectors(vectors, 6, v1::FLOAT32).size(), 24u);
  EXPECT_EQ(EncodeVectors({vectors.data(), 1}, 1, v1::FLOAT32), std::string("\0\0\x80\x3f", 4));
  const std::string halves = EncodeVectors(vectors, 6, v1::FLOAT16);
  EXPECT_EQ(halves, std::string("\x00\x3c\x00\xb8\x00\x00\xff\x7b\x01\x00\x00\x7c", 12));
  EXPECT_EQ(EncodeVectors({vectors.data(), 3}, 3, v1::INT8), std::string("\x7f\xc0\x00", 3));
  EXPECT_EQ(EncodeVectors({vectors.data(), 3}, 3, v1::BINARY), std::string("\x01", 1));
}

// Exactly as many texts pass as fit, in every encoding, at the sizes of known models.
TEST(EmbeddingsConvert, AnAnswerThatDoesNotFitIsRefusedBeforeItIsMade) {
  for (const int dimensions : {1, 384, 1024, 4096}) {
    for (const v1::VectorEncoding encoding : {v1::FLOAT32, v1::FLOAT16, v1::INT8, v1::BINARY}) {
      int64_t fit = 0;
      while (CheckAnswerBytes(fit + 1, dimensions, encoding).ok() && fit < kMaxTextsPerEmbed) ++fit;
      EmbedAnswer answer;
      answer.vectors.assign(static_cast<size_t>(fit) * dimensions, 0.5f);
      answer.tokens.assign(fit, 1 << 30);
      answer.truncated.assign(fit, true);
      v1::EmbedResponse response;
      EmbedAnswerToProto(answer, dimensions, std::string(200, 'm'), encoding, &response);
      EXPECT_LE(static_cast<int64_t>(response.ByteSizeLong()), kMaxAnswerBytes);
      if (fit == kMaxTextsPerEmbed) continue;
      const absl::Status refused = CheckAnswerBytes(fit + 1, dimensions, encoding);
      EXPECT_EQ(FieldViolationsOf(refused).at(0).field, "texts");
      EXPECT_THAT(refused.message(), testing::HasSubstr(absl::StrCat("send at most ", fit, ",")));
    }
  }
  EXPECT_TRUE(CheckAnswerBytes(kMaxTextsPerEmbed, 384, v1::FLOAT32).ok());
}

TEST(EmbeddingsConvert, TextsAreCountedInTheBytesOfARequest) {
  const auto counted = [](const v1::EmbedRequest& request) {
    grpc::ByteBuffer bytes = BytesOf(request);
    const int64_t texts = CountTexts(bytes);
    v1::EmbedRequest parsed;
    EXPECT_TRUE(ParseMessage(bytes, &parsed).ok()) << "counting leaves the bytes";
    return texts;
  };
  v1::EmbedRequest request;
  EXPECT_EQ(counted(request), 0);
  request.set_truncation(v1::TRUNCATION_END);
  request.set_encoding(v1::INT8);
  EXPECT_EQ(counted(request), 0);
  request.add_texts("");
  for (int i = 0; i < 300; ++i) request.add_texts(std::string(i * 100, 'x'));  // over many slices
  EXPECT_EQ(counted(request), 301);
}

TEST(EmbeddingsConvert, BytesThatAreNoRequestAreCountedUpToWhereTheyMakeNoSense) {
  const grpc::Slice slice("\x0a\x01x\x0a\x7f");  // a text, and the head of one of 127 bytes
  grpc::ByteBuffer bytes(&slice, 1);
  EXPECT_EQ(CountTexts(bytes), 1);
  grpc::ByteBuffer none;
  EXPECT_EQ(CountTexts(none), 0);
  const grpc::Slice numbers("\x08\x01\x08\x01\x0a\x01x");  // the field's number, but no text
  grpc::ByteBuffer odd(&numbers, 1);
  EXPECT_EQ(CountTexts(odd), 1) << "as many as are decoded";
}

TEST(EmbeddingsConvert, RequestsAreChecked) {
  v1::EmbedRequest request;
  request.set_truncation(v1::TRUNCATION_END);
  EXPECT_EQ(FieldViolationsOf(EmbedCallFromProto(request).status())[0].field, "texts");
  request.add_texts(std::string(kMaxTextBytes + 1, 'x'));
  EXPECT_EQ(FieldViolationsOf(EmbedCallFromProto(request).status())[0].field, "texts[0]");
  request.mutable_texts(0)->resize(10);
  EXPECT_TRUE(EmbedCallFromProto(request).ok());
  request.clear_truncation();
  EXPECT_EQ(FieldViolationsOf(EmbedCallFromProto(request).status())[0].field, "truncation");
}

}  // namespace
}  // namespace sluice
