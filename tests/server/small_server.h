// SmallServer: the batch and the embedding service over real gRPC, with small limits and nothing behind them
// that takes time; and what a client sees of an answer.
#pragma once

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/notification.h"
#include "core/base/thread_pool.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "server/grpc_server.h"
#include "server/rpc/batch_service.h"
#include "server/rpc/embedding_service.h"
#include "tests/contract/awaited_store.h"
#include "tests/fakes/in_memory_batch_store.h"
#include "tests/fakes/simulated_clock.h"
#include "tests/fakes/word_tokenizer.h"

namespace sluice {

// Takes nothing once it is full.
class SmallExecutor final : public Executor {
 public:
  bool TrySchedule(Closure closure) override {
    return !full.load() && pool_->TrySchedule(std::move(closure));
  }
  std::atomic<bool> full = false;

 private:
  const std::unique_ptr<ThreadPool> pool_ = ThreadPool::Create({.name = "front"}).value();
};

// The two services with small limits, over a store in memory and a scheduler without replicas. Every delay is
// spread to 1.25 times what it is.
struct SmallServer {
  SmallServer(const AdmissionLimits& limits, bool has_model) : door(limits, store, has_model) {
    grpc = GrpcServer::Create({.address = "127.0.0.1:0"}, {&batch_service, &embedding_service}).value();
    channel = grpc::CreateChannel(grpc->address(), grpc::InsecureChannelCredentials());
    batches = v1::BatchService::NewStub(channel);
    embeddings = v1::EmbeddingService::NewStub(channel);
  }
  ~SmallServer() { scheduler->Close(); }

  // Until the store's figures have come: it answers in order.
  void Refresh(double jobs_per_second, int64_t memory_bytes) {
    door.Refresh(jobs_per_second, memory_bytes);
    Notification answered;
    store.Stats([&](const absl::StatusOr<StoreStats>&) { answered.Notify(); });
    answered.Wait();
  }

  // A batch whose plan let `jobs` postings go on to a model.
  void LeaveSurvivors(int jobs) {
    AwaitedStore awaited(store);
    std::vector<NewJob> postings;
    std::vector<PlannedJob> survivors;
    for (int i = 0; i < jobs; ++i) {
      postings.push_back({absl::StrCat(i), "posting"});
      survivors.push_back({.job_index = i});
    }
    ASSERT_TRUE(awaited.Create({}, std::move(postings)).ok());
    const auto claims = awaited.Claim({.session = awaited.Open().value(), .stages = {Stage::kPlan}});
    ASSERT_THAT(claims.value(), testing::SizeIs(1));
    const LeaseKey task = claims->at(0).key();
    ASSERT_TRUE(awaited.CommitPlan(task, "plan").ok());
    ASSERT_TRUE(awaited.ApplyPlan(task, {}, std::move(survivors)).ok());
    ASSERT_TRUE(awaited.FinishPlan(task).ok());
  }

  SimulatedClock clock;
  prometheus::Registry registry;
  ServiceMetrics metrics{registry};
  Refusals refusals{metrics, [] { return 0.75; }};
  OpenCalls calls{clock};
  SmallExecutor executor;
  InMemoryBatchStore store{{}, clock};
  BatchChanges changes;
  std::unique_ptr<ResultFeed> feed = ResultFeed::Create({}, store, store).value();
  FrontDoor door;
  WordTokenizer tokenizer;
  std::unique_ptr<MicroBatchScheduler> scheduler = MicroBatchScheduler::Create({}, clock, nullptr).value();
  std::unique_ptr<Embedder> embedder =
      Embedder::Create({.dimensions = 1, .max_tokens = 64}, tokenizer, *scheduler, executor);
  CallLoad load;  // set before a call
  BatchService batch_service{{.rpc = {metrics, clock, refusals, calls},
                              .catalog = &store,
                              .results = &store,
                              .feed = feed.get(),
                              .changes = &changes,
                              .door = &door,
                              .executor = &executor}};
  EmbeddingService embedding_service{{.rpc = {metrics, clock, refusals, calls},
                                      .embedder = embedder.get(),
                                      .load = [this] { return load; },
                                      .max_waiting_texts = 16,
                                      .dimensions = 1,
                                      .door = &door}};
  std::unique_ptr<GrpcServer> grpc;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::BatchService::Stub> batches;
  std::unique_ptr<v1::EmbeddingService::Stub> embeddings;
};

// What arrived of an error.
struct Seen {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string reason, domain;
  int64_t retry_ms = -1;  // RetryInfo's; -1 none
  std::string pushback;   // the trailer's
  std::string message;
  std::vector<std::string> fields;
};

inline Seen See(const grpc::Status& status, const grpc::ClientContext& context) {
  Seen seen{.code = status.error_code()};
  seen.message = status.error_message();
  google::rpc::Status details;
  details.ParseFromString(status.error_details());
  for (const auto& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::RetryInfo retry;
    google::rpc::BadRequest bad_request;
    if (detail.UnpackTo(&info)) {
      seen.reason = info.reason();
      seen.domain = info.domain();
    } else if (detail.UnpackTo(&bad_request)) {
      for (const auto& violation : bad_request.field_violations()) seen.fields.push_back(violation.field());
    } else if (detail.UnpackTo(&retry)) {
      seen.retry_ms = retry.retry_delay().seconds() * 1000 + retry.retry_delay().nanos() / 1'000'000;
    }
  }
  const auto& trailers = context.GetServerTrailingMetadata();
  if (const auto found = trailers.find("grpc-retry-pushback-ms"); found != trailers.end())
    seen.pushback = std::string(found->second.data(), found->second.size());
  return seen;
}

}  // namespace sluice
