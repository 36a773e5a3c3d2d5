// What a refused client sees, over real gRPC: code, reason, when to come again in details and trailer; and
// that every refusal is counted, whichever room it comes from.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/thread.h"
#include "tests/server/small_server.h"

namespace sluice {
namespace {

using testing::HasSubstr;

class RefusalTest : public testing::Test {
 protected:
  // gRPC 1.51 polls badly after a server has gone: all live until the last test is done.
  static std::vector<std::unique_ptr<SmallServer>>& Servers() {
    static auto& servers = *new std::vector<std::unique_ptr<SmallServer>>;
    return servers;
  }
  static void TearDownTestSuite() { Servers().clear(); }

  SmallServer& Serve(const AdmissionLimits& limits = {}, bool has_model = true) {
    server_ = Servers().emplace_back(std::make_unique<SmallServer>(limits, has_model)).get();
    return *server_;
  }

  Seen CreateBatch(int jobs, absl::Duration expires_after = absl::Hours(1)) {
    v1::CreateBatchRequest request;
    request.mutable_batch()->mutable_screen()->mutable_profile()->set_text("baker");
    request.mutable_batch()->mutable_screen()->mutable_gate()->set_policy(v1::Gate::RULES_ONLY);
    request.mutable_batch()->mutable_expires_after()->set_seconds(absl::ToInt64Seconds(expires_after));
    for (int i = 0; i < jobs; ++i) {
      v1::Job& job = *request.add_jobs();
      job.set_id(absl::StrCat(i));
      job.mutable_posting()->set_title("Baker");
    }
    grpc::ClientContext context;
    v1::Batch batch;
    const grpc::Status status = server_->batches->CreateBatch(&context, request, &batch);
    return See(status, context);
  }

  Seen Embed(int texts = 1, absl::Duration deadline = absl::InfiniteDuration()) {
    v1::EmbedRequest request;
    request.set_truncation(v1::TRUNCATION_END);
    for (int i = 0; i < texts; ++i) request.add_texts("some words of a text");
    grpc::ClientContext context;
    if (deadline != absl::InfiniteDuration())
      context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(deadline));
    v1::EmbedResponse response;
    const grpc::Status status = server_->embeddings->Embed(&context, request, &response);
    return See(status, context);
  }

  static void ExpectRefused(const Seen& seen, const std::string& reason, int64_t retry_ms) {
    EXPECT_EQ(seen.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(seen.reason, reason);
    EXPECT_EQ(seen.domain, "sluice");
    EXPECT_EQ(seen.retry_ms, retry_ms);
    EXPECT_EQ(seen.pushback, retry_ms < 0 ? "" : absl::StrCat(retry_ms));
  }

  void ExpectCounted(const std::string& reason, int times = 1) {
    EXPECT_THAT(
        prometheus::TextSerializer().Serialize(server_->registry.Collect()),
        HasSubstr(absl::StrCat("sluice_admission_refused_total{reason=\"", reason, "\"} ", times, "\n")));
  }

  SmallServer* server_ = nullptr;
};

TEST_F(RefusalTest, AFullQueueSaysWhenToComeAgain) {
  Serve({.max_queued_jobs = 5});
  ASSERT_EQ(CreateBatch(3).code, grpc::StatusCode::OK);
  ExpectRefused(CreateBatch(3), "QUEUE_FULL", 1250);
  ExpectCounted("QUEUE_FULL");
}

TEST_F(RefusalTest, WhatNeverFitsIsNotToldToComeAgain) {
  Serve({.max_queued_jobs = 5});
  ExpectRefused(CreateBatch(6), "QUEUE_FULL", -1);
}

TEST_F(RefusalTest, ATenantHasABoundOfItsOwn) {
  Serve({.max_queued_jobs_per_tenant = 5});
  ASSERT_EQ(CreateBatch(5).code, grpc::StatusCode::OK);
  ExpectRefused(CreateBatch(1), "TENANT_QUEUE_FULL", 1250);
  ExpectCounted("TENANT_QUEUE_FULL");
}

// The store in memory has no disk to speak of, once its figures have come.
TEST_F(RefusalTest, LittleDisk) {
  Serve().Refresh(0, 0);
  ExpectRefused(CreateBatch(1), "DISK_LOW", 75'000);
  ExpectCounted("DISK_LOW");
}

TEST_F(RefusalTest, LittleMemoryStopsBatchesAndCalls) {
  Serve({.min_free_disk_bytes = -(int64_t{1} << 40), .max_memory_bytes = 1000}).Refresh(0, 1001);
  ExpectRefused(CreateBatch(1), "MEMORY_LOW", 1250);
  ExpectRefused(Embed(), "MEMORY_LOW", 1250);
  ExpectCounted("MEMORY_LOW", 2);
}

TEST_F(RefusalTest, ABatchThatWouldExpireBeforeItIsDone) {
  Serve({.min_free_disk_bytes = -(int64_t{1} << 40)});
  ASSERT_EQ(CreateBatch(10).code, grpc::StatusCode::OK);
  server_->Refresh(/*jobs_per_second=*/1, 0);
  ExpectRefused(CreateBatch(10, absl::Seconds(16)), "DEADLINE_TOO_SHORT", 5000);
  ExpectCounted("DEADLINE_TOO_SHORT");
}

// A thousand postings that passed an earlier plan's gate wait for a model, for ever where there is none: the
// rules screen the next batch at once.
TEST_F(RefusalTest, WhatWaitsForAModelKeepsNoBatchOutWhereThereIsNone) {
  for (const bool has_model : {true, false}) {
    Serve({.min_free_disk_bytes = -(int64_t{1} << 40)}, has_model).LeaveSurvivors(1000);
    server_->Refresh(/*jobs_per_second=*/1, 0);
    const Seen seen = CreateBatch(10, absl::Seconds(60));
    EXPECT_EQ(seen.reason, has_model ? "DEADLINE_TOO_SHORT" : "");
  }
}

TEST_F(RefusalTest, BytesInFlight) {
  Serve({.max_bytes_in_flight = 10});
  ExpectRefused(CreateBatch(1), "TOO_MANY_BYTES", -1);
  ExpectRefused(Embed(), "TOO_MANY_BYTES", -1);
  ExpectCounted("TOO_MANY_BYTES", 2);
}

TEST_F(RefusalTest, OneUploadTooMany) {
  Serve({.max_uploads = 0});
  grpc::ClientContext context;
  v1::Batch batch;
  const auto writer = server_->batches->UploadBatch(&context, &batch);
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  ExpectRefused(See(status, context), "TOO_MANY_UPLOADS", 1250);
  ExpectCounted("TOO_MANY_UPLOADS");
}

// The expiry comes with the first message and holds for the jobs of all: twelve jobs at one a second end in
// time for a batch that lives a minute, and ten would not for one that lives 15 s.
TEST_F(RefusalTest, AnUploadIsJudgedByItsOwnExpiryInEveryPart) {
  Serve({.min_free_disk_bytes = -(int64_t{1} << 40)});
  ASSERT_EQ(CreateBatch(10).code, grpc::StatusCode::OK);
  server_->Refresh(/*jobs_per_second=*/1, 0);
  grpc::ClientContext context;
  v1::Batch batch;
  const auto writer = server_->batches->UploadBatch(&context, &batch);
  v1::UploadBatchRequest part;
  part.mutable_batch()->mutable_screen()->mutable_profile()->set_text("baker");
  part.mutable_batch()->mutable_screen()->mutable_gate()->set_policy(v1::Gate::RULES_ONLY);
  part.mutable_batch()->mutable_expires_after()->set_seconds(15);
  writer->Write(part);
  part.clear_batch();
  for (int i = 0; i < 10; ++i) {
    v1::Job* job = part.add_jobs();
    job->set_id(absl::StrCat("late", i));
    job->mutable_posting()->set_title("Baker");
  }
  writer->Write(part);
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  ExpectRefused(See(status, context), "DEADLINE_TOO_SHORT", 6250);
}

TEST_F(RefusalTest, OneStreamTooMany) {
  Serve({.max_streams = 0});
  grpc::ClientContext context;
  v1::WatchBatchRequest request;
  request.set_name("batches/0000000001abcdefghjk");
  const auto reader = server_->batches->WatchBatch(&context, request);
  v1::BatchProgress progress;
  EXPECT_FALSE(reader->Read(&progress));
  const grpc::Status status = reader->Finish();
  ExpectRefused(See(status, context), "TOO_MANY_STREAMS", 1250);
  ExpectCounted("TOO_MANY_STREAMS");
}

TEST_F(RefusalTest, OneCallTooMany) {
  Serve({.max_calls = 0});
  ExpectRefused(Embed(), "TOO_MANY_CALLS", 1250);
  ExpectCounted("TOO_MANY_CALLS");
}

// Refused behind the door, where the executor is full; counted all the same.
TEST_F(RefusalTest, AFullExecutor) {
  Serve().executor.full = true;
  ExpectRefused(CreateBatch(1), "SERVER_BUSY", 1250);
  ExpectCounted("SERVER_BUSY");
  ExpectRefused(Embed(), "QUEUE_FULL", 1250);
  ExpectCounted("QUEUE_FULL");
}

// 5,000 tokens wait at 1,000 a second.
TEST_F(RefusalTest, ACallThatCannotBeInTime) {
  Serve().load = {.prompt_tokens = 5000, .tokens_per_second = 1000};
  ExpectRefused(Embed(1, absl::Seconds(3)), "DEADLINE_TOO_SHORT", 6250);
  ExpectCounted("DEADLINE_TOO_SHORT");
}

TEST_F(RefusalTest, AnOverloadIsSaidAtTheDoor) {
  Serve().load = {.prompt_tokens = 5000,
                  .tokens_per_second = 1000,
                  .target_wait = absl::Milliseconds(200),
                  .overloaded = true};
  ExpectRefused(Embed(), "QUEUE_OVERLOADED", 1250);
  ExpectCounted("QUEUE_OVERLOADED");
}

// What is refused for its kind only once it is decoded is not decoded in an overload.
TEST_F(RefusalTest, AnOverloadIsSaidBeforeTheRequestIsDecoded) {
  SmallServer& server = Serve();
  EXPECT_EQ(Embed(/*texts=*/0).code, grpc::StatusCode::INVALID_ARGUMENT);
  server.load = {.prompt_tokens = 5000,
                 .tokens_per_second = 1000,
                 .target_wait = absl::Milliseconds(200),
                 .overloaded = true};
  ExpectRefused(Embed(/*texts=*/0), "QUEUE_OVERLOADED", 1250);
}

// A call that was let in and then waited too long in a queue that stands.
TEST_F(RefusalTest, AnOverloadIsSaidInTheQueue) {
  SmallServer& server = Serve();
  Seen first, second;
  Thread first_caller("first", [&] { first = Embed(); });
  while (server.scheduler->Snapshot().queued_works[0] < 1) std::this_thread::yield();
  Thread second_caller("second", [&] { second = Embed(); });
  while (server.scheduler->Snapshot().queued_works[0] < 2) std::this_thread::yield();
  server.clock.Advance(absl::Milliseconds(300));
  std::optional<MicroBatch> batch = server.scheduler->TryNextBatch({.max_jobs = 1});
  ASSERT_TRUE(batch.has_value());
  std::move(batch->works[0].done)(std::vector<float>{1});
  server.clock.Advance(absl::Milliseconds(1100));
  EXPECT_FALSE(server.scheduler->TryNextBatch({.max_jobs = 1}).has_value());
  first_caller.Join();
  second_caller.Join();
  EXPECT_EQ(first.code, grpc::StatusCode::OK);
  ExpectRefused(second, "QUEUE_OVERLOADED", 1250);
  ExpectCounted("QUEUE_OVERLOADED");
}

// The one refusal that is UNAVAILABLE: another server may take it.
TEST_F(RefusalTest, ADrain) {
  Serve().door.BeginDrain();
  const Seen seen = CreateBatch(1);
  EXPECT_EQ(seen.code, grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(seen.reason, "DRAINING");
  EXPECT_EQ(seen.retry_ms, 1250);
  EXPECT_EQ(seen.pushback, "1250");
  ExpectCounted("DRAINING");
}

// What is wrong with a request is no refusal, and every reason's series is there before the first.
TEST_F(RefusalTest, BadInputIsNotCounted) {
  Serve();
  EXPECT_EQ(CreateBatch(0).code, grpc::StatusCode::INVALID_ARGUMENT);
  for (const char* reason : kMetricRefusalReasons) ExpectCounted(reason, 0);
}

}  // namespace
}  // namespace sluice
