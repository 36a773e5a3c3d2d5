// A whole server in this process: real gRPC, real SQLite, no model.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/thread.h"
#include "server/application.h"
#include "server/convert/status_convert.h"
#include "sluice/v1/batches.grpc.pb.h"
#include "sluice/v1/embeddings.grpc.pb.h"
#include "sluice/v1/server.grpc.pb.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

class NoSource final : public EncoderSource {
 public:
  std::vector<ComputeDevice> Devices() const override { return {}; }
  absl::StatusOr<EncoderPlan> Plan(const EncoderRequest&) override {
    return absl::NotFoundError("no model here");
  }
  absl::StatusOr<std::vector<SelfTestRow>> SelfTest(const EncoderRequest&) override {
    return absl::NotFoundError("no model here");
  }
  std::map<std::string, std::string> Libraries() const override { return {}; }
};

// The machine's, but that its wall clock can be set.
class SettableClock final : public Clock {
 public:
  absl::Time WallNow() const override {
    return Clock::Real().WallNow() + absl::Seconds(ahead_seconds_.load());
  }
  absl::Duration MonotonicNow() const override { return Clock::Real().MonotonicNow(); }

  void JumpWall(absl::Duration step) { ahead_seconds_ += absl::ToInt64Seconds(step); }

 private:
  std::atomic<int64_t> ahead_seconds_ = 0;
};

class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    config_.listen = "127.0.0.1:0";
    config_.admin = "127.0.0.1:0";
    config_.data = directory_.path();
    config_.tier.device = DeviceRequest::kNone;
    config_.drain_timeout = absl::Seconds(5);
    auto started = Application::Start(config_, source_, clock_);
    ASSERT_TRUE(started.ok()) << started.status();
    application_ = *std::move(started);
    channel_ = grpc::CreateChannel(application_->grpc_address(), grpc::InsecureChannelCredentials());
    batches_ = v1::BatchService::NewStub(channel_);
  }
  void TearDown() override { application_.reset(); }

  static v1::CreateBatchRequest Request(int jobs) {
    v1::CreateBatchRequest request;
    request.mutable_batch()->mutable_screen()->mutable_profile()->set_text("C++ engineer, Linux, gRPC");
    request.mutable_batch()->mutable_screen()->mutable_gate()->set_policy(v1::Gate::RULES_ONLY);
    for (int i = 0; i < jobs; ++i) {
      v1::Job* job = request.add_jobs();
      job->set_id(absl::StrCat("job-", i));
      job->mutable_posting()->set_title(i % 2 == 0 ? "C++ engineer" : "Baker");
      job->mutable_posting()->set_description("Linux and gRPC all day");
    }
    return request;
  }

  absl::StatusOr<v1::Batch> Create(const v1::CreateBatchRequest& request) {
    grpc::ClientContext context;
    v1::Batch batch;
    const grpc::Status status = batches_->CreateBatch(&context, request, &batch);
    if (!status.ok()) return FromGrpcStatus(status);
    return batch;
  }

  absl::StatusOr<v1::Batch> Upload(const std::vector<v1::UploadBatchRequest>& parts) {
    grpc::ClientContext context;
    v1::Batch batch;
    const auto writer = batches_->UploadBatch(&context, &batch);
    for (const v1::UploadBatchRequest& part : parts) writer->Write(part);
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    if (!status.ok()) return FromGrpcStatus(status);
    return batch;
  }

  // That take so long for each posting that no machine gets through a long batch before the next sweep.
  static std::vector<v1::Rule> SlowRules() {
    std::vector<v1::Rule> rules(256);
    for (size_t i = 0; i < rules.size(); ++i) {
      rules[i].set_id(absl::StrCat("rule-", i));
      rules[i].set_effect(v1::Rule::SHOULD);
      rules[i].mutable_regex()->set_pattern(absl::StrCat("([a-z]+ )+", i));
    }
    return rules;
  }

  static void SetRules(const std::vector<v1::Rule>& rules, v1::NewBatch& batch) {
    batch.mutable_screen()->mutable_profile()->mutable_rules()->Assign(rules.begin(), rules.end());
  }

  // That takes long enough to be watched.
  static v1::CreateBatchRequest SlowRequest() {
    v1::CreateBatchRequest request = Request(1000);
    SetRules(SlowRules(), *request.mutable_batch());
    return request;
  }

  // Of `parts` times kLongPart jobs.
  absl::StatusOr<v1::Batch> UploadLong(int parts, const std::vector<v1::Rule>& rules = {}) {
    std::vector<v1::UploadBatchRequest> requests(static_cast<size_t>(parts));
    for (v1::UploadBatchRequest& request : requests) {
      *request.mutable_jobs() = Request(kLongPart).jobs();
      for (v1::Job& job : *request.mutable_jobs()) job.set_id(absl::StrCat(job.id(), "-", parts));
      --parts;
    }
    *requests.front().mutable_batch() = Request(0).batch();
    SetRules(rules, *requests.front().mutable_batch());
    requests.back().set_last(true);
    return Upload(requests);
  }

  std::vector<v1::JobResult> Stream(const std::string& name, int64_t after, absl::Status* status) {
    grpc::ClientContext context;
    v1::StreamResultsRequest request;
    request.set_name(name);
    request.set_after_sequence(after);
    const auto reader = batches_->StreamResults(&context, request);
    std::vector<v1::JobResult> results;
    for (v1::JobResult result; reader->Read(&result);) results.push_back(result);
    *status = FromGrpcStatus(reader->Finish());
    return results;
  }

  absl::StatusOr<v1::Batch> Get(const std::string& name) {
    grpc::ClientContext context;
    v1::GetBatchRequest request;
    request.set_name(name);
    v1::Batch batch;
    const grpc::Status status = batches_->GetBatch(&context, request, &batch);
    if (!status.ok()) return FromGrpcStatus(status);
    return batch;
  }

  absl::StatusOr<v1::Batch> Cancel(const std::string& name) {
    grpc::ClientContext context;
    v1::CancelBatchRequest request;
    request.set_name(name);
    v1::Batch batch;
    const grpc::Status status = batches_->CancelBatch(&context, request, &batch);
    if (!status.ok()) return FromGrpcStatus(status);
    return batch;
  }

  absl::Status Delete(const std::string& name) {
    grpc::ClientContext context;
    v1::DeleteBatchRequest request;
    request.set_name(name);
    google::protobuf::Empty empty;
    return FromGrpcStatus(batches_->DeleteBatch(&context, request, &empty));
  }

  absl::Status Watch(const std::string& name, int* answers = nullptr) {
    grpc::ClientContext context;
    v1::WatchBatchRequest request;
    request.set_name(name);
    const auto reader = batches_->WatchBatch(&context, request);
    for (v1::BatchProgress progress; reader->Read(&progress);) {
      if (answers != nullptr) ++*answers;
    }
    return FromGrpcStatus(reader->Finish());
  }

  // Returns once a job of the batch has succeeded.
  void AwaitFirstSuccess(const std::string& name) {
    grpc::ClientContext context;
    v1::StreamResultsRequest request;
    request.set_name(name);
    const auto reader = batches_->StreamResults(&context, request);
    v1::JobResult result;
    while (reader->Read(&result) && result.outcome() != v1::JobResult::SUCCEEDED) {
    }
    EXPECT_EQ(result.outcome(), v1::JobResult::SUCCEEDED);
    context.TryCancel();
    reader->Finish();
  }

  absl::Status ListResults(const std::string& name, const std::string& page_token = "") {
    grpc::ClientContext context;
    v1::ListResultsRequest request;
    request.set_name(name);
    request.set_page_size(1);
    request.set_page_token(page_token);
    return FromGrpcStatus(batches_->ListResults(&context, request, &last_page_));
  }

  static constexpr int kLongPart = 20000;  // takes a thousand times as long as a call

  v1::ListResultsResponse last_page_;
  const ScratchDirectory directory_;
  Config config_;
  SettableClock clock_;
  NoSource source_;
  std::unique_ptr<Application> application_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::BatchService::Stub> batches_;
};

// Created, streamed to its end without gaps, then ranked by score.
TEST_F(ServerTest, ABatchIsCreatedStreamedAndRanked) {
  const auto batch = Create(Request(300));
  ASSERT_TRUE(batch.ok()) << batch.status();
  absl::Status status;
  const auto results = Stream(batch->name(), 0, &status);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(results.size(), 300u);
  for (size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].sequence(), static_cast<int64_t>(i) + 1);
    EXPECT_EQ(results[i].outcome(), v1::JobResult::SUCCEEDED);
    EXPECT_TRUE(results[i].has_verdict());
  }
  const auto done = Get(batch->name());
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_EQ(done->state(), v1::Batch::SUCCEEDED);
  EXPECT_EQ(done->plan().postings(), 300);

  grpc::ClientContext context;
  v1::ListResultsRequest list;
  list.set_name(batch->name());
  list.set_page_size(256);
  v1::ListResultsResponse page;
  ASSERT_TRUE(batches_->ListResults(&context, list, &page).ok());
  ASSERT_EQ(page.results_size(), 256);
  EXPECT_FALSE(page.next_page_token().empty());
  for (int i = 1; i < page.results_size(); ++i) {
    EXPECT_GE(page.results(i - 1).verdict().score(), page.results(i).verdict().score());
    EXPECT_EQ(page.results(i).rank(), i + 1);
  }
}

// A client that was cut off goes on after the last sequence number it saw.
TEST_F(ServerTest, AStreamResumesFromASequenceNumber) {
  const auto batch = Create(Request(20));
  ASSERT_TRUE(batch.ok()) << batch.status();
  absl::Status status;
  ASSERT_EQ(Stream(batch->name(), 0, &status).size(), 20u);
  const auto rest = Stream(batch->name(), 15, &status);
  ASSERT_TRUE(status.ok()) << status;
  ASSERT_EQ(rest.size(), 5u);
  EXPECT_EQ(rest[0].sequence(), 16);
  EXPECT_TRUE(Stream(batch->name(), 20, &status).empty());
  EXPECT_TRUE(status.ok()) << status;
  Stream(batch->name(), 21, &status);
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
}

TEST_F(ServerTest, ARequestIdMakesCreationIdempotent) {
  v1::CreateBatchRequest request = Request(3);
  request.mutable_batch()->set_request_id("b2a0f2c4-0d7e-4a3d-9a55-6f7f0b9e8c11");
  const auto first = Create(request);
  const auto again = Create(request);
  ASSERT_TRUE(first.ok() && again.ok()) << first.status() << again.status();
  EXPECT_EQ(first->name(), again->name());
  request.mutable_jobs(0)->mutable_posting()->set_title("Other");
  const absl::Status reused = Create(request).status();
  EXPECT_EQ(reused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(reused), "REQUEST_ID_REUSED");
}

TEST_F(ServerTest, BadInputIsNamedByFieldAndNothingIsAccepted) {
  v1::CreateBatchRequest no_batch = Request(1);
  no_batch.clear_batch();
  v1::CreateBatchRequest no_jobs = Request(0);
  v1::CreateBatchRequest twice = Request(2);
  twice.mutable_jobs(1)->set_id("job-0");
  v1::CreateBatchRequest no_profile = Request(1);
  no_profile.mutable_batch()->mutable_screen()->clear_profile();
  const std::vector<std::pair<v1::CreateBatchRequest, std::string>> cases = {
      {no_batch, "batch"}, {no_jobs, "jobs"}, {twice, "jobs[1].id"}, {no_profile, "batch.screen.profile"}};
  for (const auto& [request, field] : cases) {
    const absl::Status status = Create(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << field;
    const auto violations = FieldViolationsOf(status);
    ASSERT_FALSE(violations.empty()) << status;
    EXPECT_EQ(violations[0].field, field);
  }
  grpc::ClientContext context;
  v1::ListBatchesResponse listed;
  ASSERT_TRUE(batches_->ListBatches(&context, {}, &listed).ok());
  EXPECT_EQ(listed.batches_size(), 0);
  EXPECT_EQ(Get("batches/00000000000000000000").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Get("nonsense").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ServerTest, AnUploadIsSealedAfterItsLastMessage) {
  std::vector<v1::UploadBatchRequest> parts(4);
  *parts[0].mutable_batch() = Request(0).batch();
  for (size_t i = 1; i < parts.size(); ++i) {
    *parts[i].mutable_jobs() = Request(10).jobs();
    for (v1::Job& job : *parts[i].mutable_jobs()) job.set_id(absl::StrCat(job.id(), "-", i));
  }
  parts.back().set_last(true);
  const auto batch = Upload(parts);
  ASSERT_TRUE(batch.ok()) << batch.status();
  EXPECT_EQ(batch->counts().jobs(), 30);
}

// However its end came about: a proxy may close what a client's death cut.
TEST_F(ServerTest, AnUploadWithoutItsLastMessageIsRefused) {
  v1::UploadBatchRequest part;
  *part.mutable_batch() = Request(0).batch();
  *part.mutable_jobs() = Request(5).jobs();
  v1::UploadBatchRequest without_jobs;
  *without_jobs.mutable_batch() = part.batch();
  for (const v1::UploadBatchRequest& only : {part, without_jobs}) {
    const absl::Status status = Upload({only}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    ASSERT_EQ(FieldViolationsOf(status).size(), 1u);
    EXPECT_EQ(FieldViolationsOf(status)[0].field, "last");
  }
}

TEST_F(ServerTest, NothingMayFollowTheLastMessageOfAnUpload) {
  v1::UploadBatchRequest part;
  *part.mutable_batch() = Request(0).batch();
  *part.mutable_jobs() = Request(5).jobs();
  part.set_last(true);
  v1::UploadBatchRequest late;
  late.set_last(true);
  const absl::Status status = Upload({part, late}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(FieldViolationsOf(status).size(), 1u);
  EXPECT_EQ(FieldViolationsOf(status)[0].field, "last");
}

// A stream that is cut before its end leaves nothing, however often.
TEST_F(ServerTest, ACutUploadLeavesNothing) {
  for (int i = 0; i < 50; ++i) {
    grpc::ClientContext context;
    v1::Batch batch;
    const auto writer = batches_->UploadBatch(&context, &batch);
    v1::UploadBatchRequest first;
    *first.mutable_batch() = Request(0).batch();
    *first.mutable_jobs() = Request(5).jobs();
    writer->Write(first);
    context.TryCancel();
    EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  grpc::ClientContext context;
  v1::ListBatchesResponse listed;
  ASSERT_TRUE(batches_->ListBatches(&context, {}, &listed).ok());
  EXPECT_EQ(listed.batches_size(), 0);
}

TEST_F(ServerTest, AFinishedBatchCanBeWatchedCancelledAndDeleted) {
  const auto batch = Create(Request(5));
  ASSERT_TRUE(batch.ok()) << batch.status();
  {
    grpc::ClientContext context;
    v1::WatchBatchRequest watch;
    watch.set_name(batch->name());
    const auto reader = batches_->WatchBatch(&context, watch);
    v1::BatchProgress progress;
    while (reader->Read(&progress)) {
    }
    ASSERT_TRUE(reader->Finish().ok());
    EXPECT_EQ(progress.batch().state(), v1::Batch::SUCCEEDED);
  }
  {
    grpc::ClientContext context;
    v1::CancelBatchRequest cancel;
    cancel.set_name(batch->name());
    v1::Batch cancelled;
    ASSERT_TRUE(batches_->CancelBatch(&context, cancel, &cancelled).ok());
    EXPECT_EQ(cancelled.state(), v1::Batch::SUCCEEDED);
  }
  grpc::ClientContext context;
  v1::DeleteBatchRequest remove;
  remove.set_name(batch->name());
  google::protobuf::Empty empty;
  ASSERT_TRUE(batches_->DeleteBatch(&context, remove, &empty).ok());
  EXPECT_EQ(Get(batch->name()).status().code(), absl::StatusCode::kNotFound);
}

// Cancelling ends every job that has not started, in the commit that answers the call: nothing starts after
// it, and what it answered stays as it was.
TEST_F(ServerTest, ARunningBatchIsCancelledOnceAndForAll) {
  const auto batch = UploadLong(3);
  ASSERT_TRUE(batch.ok()) << batch.status();
  const auto cancelled = Cancel(batch->name());
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->state(), v1::Batch::CANCELLED);
  EXPECT_GT(cancelled->counts().cancelled(), 0);
  const auto again = Cancel(batch->name());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->counts().SerializeAsString(), cancelled->counts().SerializeAsString());

  absl::Status status;
  const auto results = Stream(batch->name(), 0, &status);
  EXPECT_TRUE(status.ok()) << status;
  ASSERT_EQ(results.size(), static_cast<size_t>(3 * kLongPart));
  int64_t ended = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].sequence(), static_cast<int64_t>(i) + 1);
    ended += results[i].outcome() == v1::JobResult::CANCELLED;
  }
  EXPECT_EQ(ended, cancelled->counts().cancelled());
  EXPECT_EQ(Get(batch->name())->SerializeAsString(), again->SerializeAsString());
  EXPECT_TRUE(Watch(batch->name()).ok());
}

// Whoever wants to hear of progress seldom still hears of the end when it comes.
TEST_F(ServerTest, AWatchHearsOfTheEndAtOnce) {
  const auto batch = Create(SlowRequest());
  ASSERT_TRUE(batch.ok()) << batch.status();
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(50));
  v1::WatchBatchRequest request;
  request.set_name(batch->name());
  request.mutable_min_interval()->set_seconds(60);
  const auto reader = batches_->WatchBatch(&context, request);
  v1::BatchProgress progress;
  ASSERT_TRUE(reader->Read(&progress));
  EXPECT_NE(progress.batch().state(), v1::Batch::SUCCEEDED);
  while (reader->Read(&progress)) {
  }
  const grpc::Status status = reader->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(progress.batch().state(), v1::Batch::SUCCEEDED);
}

// A watch that waited between two answers gives its place back when it ends, as any other does.
TEST_F(ServerTest, AWatchThatEndedLeavesItsPlace) {
  Config small = config_;
  small.data = config_.data + "/small";
  small.door.max_streams = 8;
  const auto server = Application::Start(small, source_, clock_);
  ASSERT_TRUE(server.ok()) << server.status();
  batches_ = v1::BatchService::NewStub(
      grpc::CreateChannel((*server)->grpc_address(), grpc::InsecureChannelCredentials()));
  int waited = 0;
  for (int i = 0; i < 12; ++i) {
    const auto batch = Create(SlowRequest());
    ASSERT_TRUE(batch.ok()) << batch.status();
    int answers = 0;
    EXPECT_TRUE(Watch(batch->name(), &answers).ok()) << i;
    waited += answers > 1;
  }
  EXPECT_GT(waited, 8);
}

// What had not started when the batch expired is EXPIRED; the batch is then as any finished one: every result
// is there once, and cancelling it changes nothing.
TEST_F(ServerTest, AnExpiredBatchKeepsWhatItDidAndStaysExpired) {
  constexpr int kParts = 3;
  const auto sealed = UploadLong(kParts, SlowRules());
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  AwaitFirstSuccess(sealed->name());
  clock_.JumpWall(absl::Hours(25));
  ASSERT_TRUE(Watch(sealed->name()).ok());

  const auto expired = Get(sealed->name());
  ASSERT_TRUE(expired.ok()) << expired.status();
  EXPECT_EQ(expired->state(), v1::Batch::EXPIRED);
  EXPECT_GT(expired->counts().expired(), 0);
  EXPECT_GT(expired->counts().succeeded(), 0);
  const auto cancelled = Cancel(sealed->name());
  ASSERT_TRUE(cancelled.ok()) << cancelled.status();
  EXPECT_EQ(cancelled->SerializeAsString(), expired->SerializeAsString());

  absl::Status status;
  const auto results = Stream(sealed->name(), 0, &status);
  EXPECT_TRUE(status.ok()) << status;
  ASSERT_EQ(results.size(), static_cast<size_t>(kParts * kLongPart));
  int64_t ended = 0;
  for (const v1::JobResult& result : results) {
    if (result.outcome() != v1::JobResult::EXPIRED) continue;
    ++ended;
    ASSERT_FALSE(result.has_verdict()) << result.id();
  }
  EXPECT_EQ(ended, expired->counts().expired());
  EXPECT_TRUE(ListResults(sealed->name()).ok());
  EXPECT_TRUE(Delete(sealed->name()).ok());
}

// An expiry that cannot be is refused before anything is taken.
TEST_F(ServerTest, AnExpiryOutOfRangeIsNamed) {
  for (const int64_t seconds : {int64_t{0}, int64_t{-1}, int64_t{7 * 24 * 3600 + 1}}) {
    v1::CreateBatchRequest request = Request(1);
    request.mutable_batch()->mutable_expires_after()->set_seconds(seconds);
    const absl::Status status = Create(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    ASSERT_EQ(FieldViolationsOf(status).size(), 1u);
    EXPECT_EQ(FieldViolationsOf(status)[0].field, "batch.expires_after");
  }
}

TEST_F(ServerTest, ARunningBatchCannotBeDeletedAndADeletedOneIsUnknownToEveryCall) {
  const auto batch = UploadLong(3);
  ASSERT_TRUE(batch.ok()) << batch.status();
  const std::string& name = batch->name();
  EXPECT_EQ(Delete(name).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(ListResults(name)), "BATCH_NOT_FINISHED");
  ASSERT_TRUE(Cancel(name).ok());
  ASSERT_TRUE(Delete(name).ok());
  absl::Status streamed;
  Stream(name, 0, &streamed);
  for (const absl::Status& status :
       {Get(name).status(), Cancel(name).status(), Delete(name), Watch(name), ListResults(name), streamed}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kNotFound) << status;
  }
}

// A page token is good for the call and the batch that gave it.
TEST_F(ServerTest, APageTokenFromElsewhereIsInvalid) {
  const auto one = Create(Request(3));
  const auto other = Create(Request(3));
  ASSERT_TRUE(one.ok() && other.ok()) << one.status() << other.status();
  ASSERT_TRUE(Watch(one->name()).ok());
  ASSERT_TRUE(Watch(other->name()).ok());
  ASSERT_TRUE(ListResults(one->name()).ok());
  const std::string token = last_page_.next_page_token();
  EXPECT_TRUE(ListResults(one->name(), token).ok());
  EXPECT_EQ(ListResults(other->name(), token).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ListResults(one->name(), "nonsense").code(), absl::StatusCode::kInvalidArgument);
  grpc::ClientContext context;
  v1::ListBatchesRequest list;
  list.set_page_token(token);
  v1::ListBatchesResponse listed;
  EXPECT_EQ(batches_->ListBatches(&context, list, &listed).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ServerTest, WithoutAModelEmbedSaysSo) {
  const auto stub = v1::EmbeddingService::NewStub(channel_);
  grpc::ClientContext context;
  v1::EmbedRequest request;
  request.add_texts("a");
  request.set_truncation(v1::TRUNCATION_END);
  v1::EmbedResponse response;
  const absl::Status status = FromGrpcStatus(stub->Embed(&context, request, &response));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(status), "NO_MODEL");
}

// Callers that keep calling, each until it is told no, and streams that are open: all hear why, none is cut.
TEST_F(ServerTest, EveryCallThatADrainEndsIsToldSo) {
  const auto batch = UploadLong(2, SlowRules());
  ASSERT_TRUE(batch.ok()) << batch.status();
  constexpr int kCallers = 8;
  std::vector<absl::Status> ends(kCallers + 2);
  std::atomic<int> running = 0;
  std::vector<Thread> callers;
  for (int i = 0; i < kCallers; ++i) {
    callers.emplace_back("caller", [&, i] {
      while (ends[i].ok()) {
        ends[i] = Get(batch->name()).status();
        ++running;
      }
    });
  }
  callers.emplace_back("watch", [&] { ends[kCallers] = Watch(batch->name()); });
  callers.emplace_back("stream", [&] { Stream(batch->name(), 0, &ends[kCallers + 1]); });
  while (running < 10 * kCallers) std::this_thread::yield();
  application_->Drain();
  for (Thread& caller : callers) caller.Join();
  for (const absl::Status& end : ends) {
    EXPECT_EQ(end.code(), absl::StatusCode::kUnavailable) << end;
    EXPECT_EQ(ReasonOf(end), "DRAINING") << end;
    EXPECT_TRUE(RetryDelayOf(end).has_value()) << end;
  }
}

TEST_F(ServerTest, APortOrDataDirectoryInUseIsNamed) {
  Config second = config_;
  const absl::Status in_use = Application::Start(second, source_, clock_).status();
  EXPECT_EQ(ReasonOf(in_use), "DATA_DIRECTORY_IN_USE") << in_use;
  second.data = config_.data + "/second";
  second.listen = application_->grpc_address();
  const absl::Status taken = Application::Start(second, source_, clock_).status();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.message()), testing::HasSubstr(application_->grpc_address()));
}

}  // namespace
}  // namespace sluice
