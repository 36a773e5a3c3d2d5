#include "client/cpp/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error_details.h"
#include "core/base/thread.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/fakes/fake_batch_server.h"

namespace sluice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

const grpc::Status kUnavailable(grpc::StatusCode::UNAVAILABLE, "gone for a moment");

class ClientTest : public testing::Test {
 protected:
  void Start(FakeBatchServer::Script script = {}) {
    server_ = std::make_unique<FakeBatchServer>(std::move(script));
    ClientOptions options{.address = server_->address()};
    options.jitter = [] { return 0.0; };
    options.sleep = [this](absl::Duration delay) { slept_.push_back(delay); };
    auto client = Client::Connect(std::move(options));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  static v1::CreateBatchRequest Request(int jobs) {
    v1::CreateBatchRequest request;
    request.mutable_batch()->mutable_screen();
    for (int i = 0; i < jobs; ++i) request.add_jobs()->set_id(absl::StrCat("j", i));
    return request;
  }

  // Of all results of the batch, as they came.
  std::vector<int64_t> StreamedSequences() {
    std::vector<int64_t> sequences;
    const absl::Status status = client_->StreamResults("batches/b1", 0, [&](const v1::JobResult& result) {
      sequences.push_back(result.sequence());
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return sequences;
  }

  std::unique_ptr<FakeBatchServer> server_;
  std::unique_ptr<Client> client_;
  std::vector<absl::Duration> slept_;
};

TEST_F(ClientTest, UnreachableServersAreNamed) {
  ClientOptions options{.address = "127.0.0.1:1", .connect_timeout = absl::Milliseconds(200)};
  const auto client = Client::Connect(options);
  EXPECT_EQ(client.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(client.status().message()), HasSubstr("127.0.0.1:1"));
}

// A creation that was tried three times says so with one request id, so that the server can make one batch of
// it.
TEST_F(ClientTest, CreationIsRetriedUnderOneRequestId) {
  Start({.failures = {{"CreateBatch", {kUnavailable, kUnavailable}}}});
  const auto batch = client_->CreateBatch(Request(2));
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->counts().jobs(), 2);
  const std::vector<std::string> ids = server_->request_ids();
  ASSERT_THAT(ids, SizeIs(3));
  EXPECT_THAT(ids[0],
              testing::MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  EXPECT_EQ(ids[1], ids[0]);
  EXPECT_EQ(ids[2], ids[0]);
  EXPECT_THAT(slept_, ElementsAre(absl::Milliseconds(50), absl::Milliseconds(100)));
}

TEST_F(ClientTest, RetriesAreBounded) {
  Start({.failures = {{"GetBatch", std::vector<grpc::Status>(50, kUnavailable)}}});
  EXPECT_EQ(client_->GetBatch("batches/x").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->Calls("GetBatch"), RetryOptions().max_attempts);
}

TEST_F(ClientTest, ARefusalWithPushbackIsWaitedFor) {
  Start({.failures = {{"CreateBatch", {{grpc::StatusCode::RESOURCE_EXHAUSTED, "full"}}}},
         .trailers = {{"grpc-retry-pushback-ms", "1500"}}});
  EXPECT_TRUE(client_->CreateBatch(Request(1)).ok());
  EXPECT_THAT(slept_, ElementsAre(absl::Milliseconds(1500)));
}

TEST_F(ClientTest, ErrorDetailsAreDecoded) {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  info.set_reason("QUEUE_FULL");
  details.add_details()->PackFrom(info);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(90);
  details.add_details()->PackFrom(retry);
  google::rpc::BadRequest bad;
  bad.add_field_violations()->set_field("jobs[1].id");
  details.add_details()->PackFrom(bad);
  Start({.failures = {{"CreateBatch",
                       {{grpc::StatusCode::RESOURCE_EXHAUSTED, "full", details.SerializeAsString()}}}}});

  const absl::Status status = client_->CreateBatch(Request(1)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "full");
  EXPECT_EQ(ReasonOf(status), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(status), absl::Seconds(90));
  ASSERT_THAT(FieldViolationsOf(status), SizeIs(1));
  EXPECT_EQ(FieldViolationsOf(status)[0].field, "jobs[1].id");
  // Longer than anybody wants to wait: handed on at once.
  EXPECT_EQ(server_->Calls("CreateBatch"), 1);
}

// Three broken connections, and still every result once and in order.
TEST_F(ClientTest, ResultsResumeAfterTheLastSequence) {
  Start({.break_results_after = {3, 0, 4}});
  ASSERT_TRUE(client_->CreateBatch(Request(10)).ok());
  EXPECT_THAT(StreamedSequences(), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
  EXPECT_EQ(server_->Calls("StreamResults"), 4);
  // The attempts are counted anew once something came: 50, 100 after nothing came, 50 again.
  EXPECT_THAT(slept_, ElementsAre(absl::Milliseconds(50), absl::Milliseconds(100), absl::Milliseconds(50)));
}

// A server cuts who reads nothing for long; who goes on reading goes on where it was.
TEST_F(ClientTest, ResultsResumeAfterTheReaderWasCut) {
  Start({.failures = {{"StreamResults", {grpc::Status(grpc::StatusCode::ABORTED, "no result was read")}}}});
  ASSERT_TRUE(client_->CreateBatch(Request(3)).ok());
  EXPECT_THAT(StreamedSequences(), ElementsAre(1, 2, 3));
  EXPECT_EQ(server_->Calls("StreamResults"), 2);
}

TEST_F(ClientTest, ALostResultIsDataLoss) {
  Start({.skip_sequence = 2});
  ASSERT_TRUE(client_->CreateBatch(Request(3)).ok());
  EXPECT_EQ(
      client_->StreamResults("batches/b1", 0, [](const v1::JobResult&) { return absl::OkStatus(); }).code(),
      absl::StatusCode::kDataLoss);
}

TEST_F(ClientTest, AStreamThatNeverComesBackEnds) {
  Start({.break_results_after = std::vector<int>(50, 0)});
  ASSERT_TRUE(client_->CreateBatch(Request(3)).ok());
  EXPECT_EQ(
      client_->StreamResults("batches/b1", 0, [](const v1::JobResult&) { return absl::OkStatus(); }).code(),
      absl::StatusCode::kUnavailable);
  EXPECT_EQ(server_->Calls("StreamResults"), RetryOptions().max_stream_attempts);
}

TEST_F(ClientTest, ASinksErrorEndsTheStream) {
  Start();
  ASSERT_TRUE(client_->CreateBatch(Request(3)).ok());
  EXPECT_EQ(client_
                ->StreamResults("batches/b1", 0,
                                [](const v1::JobResult&) { return absl::OutOfRangeError("enough"); })
                .code(),
            absl::StatusCode::kOutOfRange);
}

// 20,000 jobs of 500 bytes go in many messages, all of them in order.
TEST_F(ClientTest, UploadsInParts) {
  Start();
  constexpr int kJobs = 20'000;
  const auto batch = client_->UploadBatch(Request(0).batch(), [](UploadSink sink) {
    for (int i = 0; i < kJobs; ++i) {
      v1::Job job;
      job.set_id(absl::StrCat(i));
      job.mutable_posting()->set_description(std::string(500, 'x'));
      if (const absl::Status taken = sink(std::move(job)); !taken.ok()) return taken;
    }
    return absl::OkStatus();
  });
  ASSERT_TRUE(batch.ok()) << batch.status();
  const auto jobs = server_->JobsOf(batch->name());
  ASSERT_EQ(jobs.size(), size_t{kJobs});
  for (int i = 0; i < kJobs; ++i) ASSERT_EQ(jobs[i].id(), absl::StrCat(i));
}

TEST_F(ClientTest, AnUploadIsRetriedFromTheBeginningUnderOneRequestId) {
  Start({.failures = {{"UploadBatch", {kUnavailable}}}});
  int runs = 0;
  const auto batch = client_->UploadBatch(Request(0).batch(), [&](UploadSink sink) {
    ++runs;
    return sink(Request(1).jobs(0));
  });
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(runs, 2);
  EXPECT_EQ(server_->JobsOf(batch->name()).size(), 1);
  EXPECT_EQ(server_->request_ids()[0], server_->request_ids()[1]);
}

// An input error half way leaves no batch behind, is not retried, and comes back as it was.
TEST_F(ClientTest, ASourcesErrorAbandonsTheUpload) {
  Start();
  int runs = 0;
  const auto batch = client_->UploadBatch(Request(0).batch(), [&](UploadSink sink) {
    ++runs;
    if (const absl::Status taken = sink(Request(1).jobs(0)); !taken.ok()) return taken;
    return absl::UnavailableError("a.csv: disk trouble");
  });
  EXPECT_EQ(batch.status(), absl::UnavailableError("a.csv: disk trouble"));
  EXPECT_EQ(runs, 1);
  EXPECT_EQ(server_->num_batches(), 0);
}

TEST_F(ClientTest, InterruptEndsRunningAndLaterCalls) {
  Start({.never_ends = true});
  ASSERT_TRUE(client_->CreateBatch(Request(1)).ok());
  Thread interrupter("interrupter", [this] {
    server_->streaming().Wait();
    client_->Interrupt();
  });
  EXPECT_EQ(
      client_->StreamResults("batches/b1", 0, [](const v1::JobResult&) { return absl::OkStatus(); }).code(),
      absl::StatusCode::kCancelled);
  EXPECT_EQ(client_->GetServer().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(ClientTest, TheOtherCalls) {
  Start();
  ASSERT_TRUE(client_->CreateBatch(Request(3)).ok());
  EXPECT_EQ(client_->GetBatch("batches/b1")->counts().jobs(), 3);
  EXPECT_EQ(client_->ListBatches({})->batches_size(), 1);
  EXPECT_TRUE(client_->CancelBatch("batches/b1").ok());
  EXPECT_TRUE(client_->DeleteBatch("batches/b1").ok());
  EXPECT_EQ(client_->DeleteBatch("batches/b1").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(client_->GetServer()->version(), "9.9.9");
}

}  // namespace
}  // namespace sluice
