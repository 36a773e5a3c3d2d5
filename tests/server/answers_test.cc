// What a client sees of each error that a call can end with, over real gRPC: code, ErrorInfo and the fields
// at fault; also where its request cannot be read at all, and where a drain ends its call.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "core/base/notification.h"
#include "core/base/thread.h"
#include "tests/server/small_server.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kUnknownBatch[] = "batches/0000000001abcdefghjk";
// In a message that is sent, in the place of as many bytes that are no UTF-8.
constexpr char kMark[] = "BROKENTEXT";
constexpr char kBroken[] = "ok \xff\xfe\xe2\x82 no";

class AnswerTest : public testing::Test {
 protected:
  // gRPC 1.51 polls badly after a server has gone: all live until the last test is done.
  static std::vector<std::unique_ptr<SmallServer>>& Servers() {
    static auto& servers = *new std::vector<std::unique_ptr<SmallServer>>;
    return servers;
  }
  static void TearDownTestSuite() { Servers().clear(); }

  AnswerTest()
      : server_(*Servers().emplace_back(std::make_unique<SmallServer>(
            AdmissionLimits{.min_free_disk_bytes = -(int64_t{1} << 40)}, /*has_model=*/true))) {}

  static std::vector<const google::protobuf::MethodDescriptor*> AllMethods() {
    std::vector<const google::protobuf::MethodDescriptor*> methods;
    for (const auto* file : {v1::Batch::descriptor()->file(), v1::EmbedRequest::descriptor()->file()}) {
      for (int s = 0; s < file->service_count(); ++s) {
        for (int m = 0; m < file->service(s)->method_count(); ++m)
          methods.push_back(file->service(s)->method(m));
      }
    }
    return methods;
  }

  // One message of these bytes, then the stream's end: of whatever kind the method is.
  Seen Send(const google::protobuf::MethodDescriptor& method, const std::string& bytes) {
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::ClientContext context;
    grpc::Status status;
    Notification ended;
    grpc::GenericStub stub(server_.channel);
    stub.UnaryCall(&context, absl::StrCat("/", method.service()->full_name(), "/", method.name()),
                   grpc::StubOptions(), &request, &response, [&](grpc::Status end) {
                     status = std::move(end);
                     ended.Notify();
                   });
    ended.Wait();
    return See(status, context);
  }

  Seen SendBroken(const google::protobuf::MethodDescriptor& method,
                  const google::protobuf::Message& message) {
    return Send(method, absl::StrReplaceAll(message.SerializeAsString(), {{kMark, kBroken}}));
  }

  static const google::protobuf::MethodDescriptor& Method(const std::string& name) {
    for (const auto* method : AllMethods()) {
      if (method->name() == name) return *method;
    }
    ADD_FAILURE() << name;
    return *AllMethods()[0];
  }

  std::string Metrics() { return prometheus::TextSerializer().Serialize(server_.registry.Collect()); }

  static v1::CreateBatchRequest Create(int jobs) {
    v1::CreateBatchRequest request;
    request.mutable_batch()->mutable_screen()->mutable_profile()->set_text("baker");
    for (int i = 0; i < jobs; ++i) {
      v1::Job& job = *request.add_jobs();
      job.set_id(absl::StrCat("job", i));
      job.mutable_posting()->set_title("Baker");
    }
    return request;
  }

  SmallServer& server_;
};

TEST_F(AnswerTest, BytesThatAreNoRequestAreRefusedByEveryMethodAndCounted) {
  for (const auto* method : AllMethods()) {
    const Seen seen = Send(*method, "\x0a\x7f");
    EXPECT_EQ(seen.code, grpc::StatusCode::INVALID_ARGUMENT) << method->full_name();
    EXPECT_EQ(seen.reason, "MALFORMED_REQUEST") << method->full_name();
    EXPECT_EQ(seen.domain, "sluice");
    EXPECT_THAT(seen.message, HasSubstr(method->input_type()->full_name()));
    EXPECT_THAT(Metrics(),
                testing::ContainsRegex(absl::StrCat(
                    "grpc_server_handled_total\\{[^}]*grpc_code=\"InvalidArgument\"[^}]*grpc_method=\"",
                    method->name(), "\"[^}]*\\} 1")));
  }
}

TEST_F(AnswerTest, TextThatIsNotUtf8IsNamedByItsField) {
  v1::CreateBatchRequest create;
  create.mutable_batch()->mutable_screen()->mutable_profile()->set_text(kMark);
  for (int i = 0; i < 3; ++i) create.add_jobs()->mutable_posting()->set_title(i == 0 ? "Baker" : kMark);
  Seen seen = SendBroken(Method("CreateBatch"), create);
  EXPECT_EQ(seen.code, grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(seen.reason, "NOT_UTF8");
  EXPECT_THAT(seen.fields,
              ElementsAre("batch.screen.profile.text", "jobs[1].posting.title", "jobs[2].posting.title"));
  EXPECT_THAT(seen.message, HasSubstr("is not UTF-8 at byte 3 of 10"));

  v1::EmbedRequest embed;
  embed.add_texts("a text");
  embed.add_texts(kMark);
  EXPECT_THAT(SendBroken(Method("Embed"), embed).fields, ElementsAre("texts[1]"));

  v1::StreamResultsRequest stream;
  stream.set_name(kMark);
  EXPECT_THAT(SendBroken(Method("StreamResults"), stream).fields, ElementsAre("name"));

  v1::UploadBatchRequest upload;
  upload.add_jobs()->set_id(kMark);
  EXPECT_THAT(SendBroken(Method("UploadBatch"), upload).fields, ElementsAre("jobs[0].id"));
}

// Each error that a call can end with, whatever room it comes from.
TEST_F(AnswerTest, EveryErrorSaysWhy) {
  AwaitedStore store(server_.store);
  NewBatch running;
  running.kind = JobKind::kEmbed;
  const std::string open = absl::StrCat("batches/", store.Create(running, {{"a", "text"}})->id);
  const auto named = [](auto message, const std::string& name) {
    message.set_name(name);
    return message.SerializeAsString();
  };
  v1::CreateBatchRequest without_jobs = Create(0);
  v1::CreateBatchRequest too_short = Create(1);
  too_short.mutable_batch()->mutable_expires_after()->set_seconds(0);
  v1::CreateBatchRequest backwards = Create(1);
  backwards.mutable_batch()->mutable_expires_after()->set_seconds(-5);
  v1::CreateBatchRequest twice = Create(2);
  twice.mutable_jobs(1)->set_id("job0");
  v1::CreateBatchRequest reused = Create(1);
  reused.mutable_batch()->set_request_id("r");
  ASSERT_EQ(Send(Method("CreateBatch"), reused.SerializeAsString()).code, grpc::StatusCode::OK);
  reused.mutable_jobs(0)->mutable_posting()->set_title("Cook");
  v1::ListBatchesRequest foreign_token;
  foreign_token.set_page_token("nonsense");
  v1::ListBatchesRequest large_page;
  large_page.set_page_size(100'000);
  v1::StreamResultsRequest beyond;
  beyond.set_name(open);
  beyond.set_after_sequence(7);
  v1::StreamResultsRequest negative;
  negative.set_name(open);
  negative.set_after_sequence(-1);
  v1::WatchBatchRequest hasty;
  hasty.set_name(open);
  hasty.mutable_min_interval()->set_nanos(1);
  v1::EmbedRequest without_truncation;
  without_truncation.add_texts("a");
  v1::UploadBatchRequest cut;
  *cut.mutable_batch() = Create(0).batch();

  using enum grpc::StatusCode;
  struct Expected {
    std::string method, request;
    grpc::StatusCode code;
    std::string reason;
    std::vector<std::string> fields;
  };
  const std::vector<Expected> cases = {
      {"CreateBatch", "", INVALID_ARGUMENT, "INVALID_ARGUMENT", {"batch"}},
      {"CreateBatch", without_jobs.SerializeAsString(), INVALID_ARGUMENT, "INVALID_ARGUMENT", {"jobs"}},
      {"CreateBatch",
       too_short.SerializeAsString(),
       INVALID_ARGUMENT,
       "INVALID_ARGUMENT",
       {"batch.expires_after"}},
      {"CreateBatch",
       backwards.SerializeAsString(),
       INVALID_ARGUMENT,
       "INVALID_ARGUMENT",
       {"batch.expires_after"}},
      {"CreateBatch", twice.SerializeAsString(), INVALID_ARGUMENT, "INVALID_ARGUMENT", {"jobs[1].id"}},
      {"CreateBatch", reused.SerializeAsString(), INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"}},
      {"UploadBatch", "", INVALID_ARGUMENT, "INVALID_ARGUMENT", {"batch"}},
      {"UploadBatch", cut.SerializeAsString(), INVALID_ARGUMENT, "INVALID_ARGUMENT", {"last"}},
      {"GetBatch", named(v1::GetBatchRequest(), "x"), INVALID_ARGUMENT, "INVALID_ARGUMENT", {"name"}},
      {"GetBatch", named(v1::GetBatchRequest(), kUnknownBatch), NOT_FOUND, "BATCH_NOT_FOUND", {}},
      {"CancelBatch", named(v1::CancelBatchRequest(), kUnknownBatch), NOT_FOUND, "BATCH_NOT_FOUND", {}},
      {"DeleteBatch", named(v1::DeleteBatchRequest(), kUnknownBatch), NOT_FOUND, "BATCH_NOT_FOUND", {}},
      {"WatchBatch", named(v1::WatchBatchRequest(), kUnknownBatch), NOT_FOUND, "BATCH_NOT_FOUND", {}},
      {"StreamResults", named(v1::StreamResultsRequest(), kUnknownBatch), NOT_FOUND, "BATCH_NOT_FOUND", {}},
      {"ListResults", named(v1::ListResultsRequest(), kUnknownBatch), NOT_FOUND, "BATCH_NOT_FOUND", {}},
      {"ListResults", named(v1::ListResultsRequest(), open), FAILED_PRECONDITION, "BATCH_NOT_FINISHED", {}},
      {"DeleteBatch", named(v1::DeleteBatchRequest(), open), FAILED_PRECONDITION, "BATCH_NOT_FINISHED", {}},
      {"ListBatches",
       foreign_token.SerializeAsString(),
       INVALID_ARGUMENT,
       "INVALID_ARGUMENT",
       {"page_token"}},
      {"ListBatches", large_page.SerializeAsString(), INVALID_ARGUMENT, "INVALID_ARGUMENT", {"page_size"}},
      {"StreamResults", beyond.SerializeAsString(), OUT_OF_RANGE, "SEQUENCE_OUT_OF_RANGE", {}},
      {"StreamResults",
       negative.SerializeAsString(),
       INVALID_ARGUMENT,
       "INVALID_ARGUMENT",
       {"after_sequence"}},
      {"WatchBatch", hasty.SerializeAsString(), INVALID_ARGUMENT, "INVALID_ARGUMENT", {"min_interval"}},
      {"Embed", "", INVALID_ARGUMENT, "INVALID_ARGUMENT", {"texts"}},
      {"Embed", without_truncation.SerializeAsString(), INVALID_ARGUMENT, "INVALID_ARGUMENT", {"truncation"}},
  };
  server_.Refresh(/*jobs_per_second=*/1,
                  0);  // a rate is known: an expiry of nothing is still no refusal for load
  for (const Expected& expected : cases) {
    const Seen seen = Send(Method(expected.method), expected.request);
    SCOPED_TRACE(absl::StrCat(expected.method, ": ", seen.message));
    EXPECT_EQ(seen.code, expected.code);
    EXPECT_EQ(seen.reason, expected.reason);
    EXPECT_EQ(seen.domain, "sluice");
    EXPECT_EQ(seen.fields, expected.fields);
    EXPECT_EQ(seen.message.empty(), false);
  }
}

void ExpectDraining(const Seen& seen) {
  EXPECT_EQ(seen.code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(seen.reason, "DRAINING");
  EXPECT_EQ(seen.retry_ms, 1250);
  EXPECT_EQ(seen.pushback, "1250");
}

TEST_F(AnswerTest, ACallThatComesInTheEndOfADrainIsToldToComeAgain) {
  server_.calls.Close();
  for (const auto* method : AllMethods()) {
    SCOPED_TRACE(method->full_name());
    ExpectDraining(Send(*method, ""));
  }
}

// No replica encodes its text: only the drain ends it.
TEST_F(AnswerTest, ACallThatADrainFindsUnansweredIsToldToComeAgain) {
  v1::EmbedRequest request;
  request.add_texts("a text");
  request.set_truncation(v1::TRUNCATION_END);
  grpc::ClientContext context;
  v1::EmbedResponse response;
  grpc::Status status;
  Notification ended;
  Thread client("client", [&] {
    status = server_.embeddings->Embed(&context, request, &response);
    ended.Notify();
  });
  while (!ended.WaitFor(absl::Milliseconds(1))) server_.calls.EndAll();
  client.Join();
  ExpectDraining(See(status, context));
  EXPECT_TRUE(server_.calls.AwaitQuiet(absl::ZeroDuration(), absl::InfiniteDuration()));
}

TEST_F(AnswerTest, AnUploadThatADrainFindsWaitingIsToldToComeAgain) {
  grpc::ClientContext context;
  v1::Batch batch;
  const auto writer = server_.batches->UploadBatch(&context, &batch);
  v1::UploadBatchRequest part;
  *part.mutable_batch() = Create(0).batch();
  writer->Write(part);
  grpc::Status status;
  Notification ended;
  Thread client("client", [&] {
    status = writer->Finish();
    ended.Notify();
  });
  while (!ended.WaitFor(absl::Milliseconds(1))) server_.calls.EndAll();
  client.Join();
  ExpectDraining(See(status, context));
}

}  // namespace
}  // namespace sluice
