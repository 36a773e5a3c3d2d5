// An upload whose client sends nothing more, over real gRPC: it is cut, nothing of it is kept, and its place
// is given back. Streams that nobody reads are in tests/integration/slow_reader.py.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/base/notification.h"
#include "core/base/thread.h"
#include "core/base/thread_pool.h"
#include "server/grpc_server.h"
#include "server/rpc/batch_service.h"
#include "tests/contract/awaited_store.h"
#include "tests/fakes/in_memory_batch_store.h"
#include "tests/fakes/intercepted_batch_store.h"
#include "tests/fakes/simulated_clock.h"

namespace sluice {
namespace {

using testing::HasSubstr;

constexpr absl::Duration kTimeout = absl::Milliseconds(50);

// Counts the calls of each method that were answered with OK.
class AnsweredStore final : public InterceptedBatchStore<AnsweredStore> {
 public:
  using InterceptedBatchStore::InterceptedBatchStore;

  void StartCounting() {
    MutexLock lock(mutex_);
    answered_.clear();
  }
  void Await(const std::string& method, int times) {
    MutexLock lock(mutex_);
    while (answered_[method] < times) changed_.Wait(mutex_);
  }

 private:
  friend class InterceptedBatchStore<AnsweredStore>;

  template <typename Answer, typename Issue>
  void Intercept(const char* method, absl::AnyInvocable<void(Answer) &&> done, Issue issue) {
    issue([this, method, done = std::move(done)](Answer answer) mutable {
      const bool succeeded = answer.ok();
      std::move(done)(std::move(answer));
      if (!succeeded) return;
      MutexLock lock(mutex_);
      ++answered_[method];
      changed_.NotifyAll();
    });
  }

  Mutex mutex_;
  CondVar changed_;
  std::map<std::string, int> answered_ ABSL_GUARDED_BY(mutex_);
};

class StalledUploadTest : public testing::Test {
 protected:
  // gRPC 1.51 polls badly after a server has gone: one, with room for one upload, serves all tests.
  struct Server {
    Server() {
      const auto channel = grpc::CreateChannel(grpc->address(), grpc::InsecureChannelCredentials());
      batches = v1::BatchService::NewStub(channel);
    }
    SimulatedClock clock;
    prometheus::Registry registry;
    ServiceMetrics metrics{registry};
    Refusals refusals{metrics, [] { return 0.5; }};
    std::unique_ptr<ThreadPool> executor = ThreadPool::Create({.name = "intake"}).value();
    InMemoryBatchStore memory{{}, clock};
    AnsweredStore store{memory};
    BatchChanges changes;
    std::unique_ptr<ResultFeed> feed = ResultFeed::Create({}, store, store).value();
    FrontDoor door{{.max_uploads = 1}, store, /*has_model=*/true};
    OpenCalls calls{clock};
    BatchService service{{.rpc = {metrics, clock, refusals, calls},
                          .catalog = &store,
                          .results = &store,
                          .feed = feed.get(),
                          .changes = &changes,
                          .door = &door,
                          .executor = executor.get(),
                          .upload_timeout = kTimeout,
                          .has_model = true}};
    std::unique_ptr<GrpcServer> grpc = GrpcServer::Create({.address = "127.0.0.1:0"}, {&service}).value();
    std::unique_ptr<v1::BatchService::Stub> batches;
  };
  static void SetUpTestSuite() { server_ = new Server; }
  void SetUp() override { server_->store.StartCounting(); }
  static void TearDownTestSuite() {
    server_->grpc->Shutdown(absl::Seconds(10));
    (void)AwaitedStore(server_->memory).Stats();  // `store` has seen every answer to what came before
    delete server_;
  }

  struct Upload {
    Upload() : writer(server_->batches->UploadBatch(&context, &batch)) {}

    // Texts are named by their part.
    void Send(int part, bool last = false) {
      v1::UploadBatchRequest request;
      if (part == 0) request.mutable_batch()->mutable_embed()->set_truncation(v1::TRUNCATION_END);
      v1::Job* job = request.add_jobs();
      job->set_id(absl::StrCat(part));
      job->set_text("a text");
      request.set_last(last);
      writer->Write(request);
    }

    grpc::ClientContext context;
    v1::Batch batch;
    std::unique_ptr<grpc::ClientWriter<v1::UploadBatchRequest>> writer;
  };

  // The place of one that was cut comes back right after its client heard of it.
  static grpc::Status UploadOne() {
    while (true) {
      Upload upload;
      upload.Send(0, /*last=*/true);
      upload.writer->WritesDone();
      grpc::Status status = upload.writer->Finish();
      if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) return status;
    }
  }

  static Server* server_;
};

StalledUploadTest::Server* StalledUploadTest::server_ = nullptr;

TEST_F(StalledUploadTest, IsCutAbandonedAndItsPlaceGivenBack) {
  Upload upload;
  upload.Send(0);
  server_->store.Await("AppendJobs", 1);
  server_->clock.Advance(kTimeout);
  const grpc::Status status = upload.writer->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(status.error_message(), HasSubstr("no whole message came for 50ms"));
  EXPECT_THAT(status.error_message(), HasSubstr("upload it again"));
  server_->store.Await("AbandonUpload", 1);
  EXPECT_TRUE(UploadOne().ok());
}

TEST_F(StalledUploadTest, IsCutBeforeItsFirstMessage) {
  Upload upload;
  grpc::Status status;
  Notification ended;
  Thread client("client", [&] {
    status = upload.writer->Finish();
    ended.Notify();
  });
  while (!ended.WaitFor(absl::Milliseconds(1))) server_->clock.Advance(kTimeout);
  client.Join();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_TRUE(UploadOne().ok());
}

// What counts is each message, not the whole: this one takes four times the limit.
TEST_F(StalledUploadTest, OneThatIsOnlySlowIsTaken) {
  Upload upload;
  upload.Send(0);
  for (int part = 1; part <= 5; ++part) {
    server_->store.Await("AppendJobs", part);
    server_->clock.Advance(0.8 * kTimeout);
    upload.Send(part, /*last=*/part == 5);
  }
  upload.writer->WritesDone();
  const grpc::Status status = upload.writer->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(upload.batch.counts().jobs(), 6);
}

}  // namespace
}  // namespace sluice
