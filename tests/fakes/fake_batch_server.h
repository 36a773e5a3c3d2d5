// FakeBatchServer: Sluice's services over real gRPC on a free port of this process, without store, rules or
// model.
//
// A screen batch ends as soon as it was created: the posting with index i gets the verdict that
// Script::verdict gives it. Scripted faults come first: calls that fail, streams that break after some
// messages. Thread-safe.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/mutex.h"
#include "core/base/notification.h"
#include "sluice/v1/batches.grpc.pb.h"
#include "sluice/v1/embeddings.grpc.pb.h"
#include "sluice/v1/server.grpc.pb.h"

namespace sluice {

class FakeBatchServer final : public v1::BatchService::Service,
                              public v1::EmbeddingService::Service,
                              public v1::ServerService::Service {
 public:
  struct Script {
    // Status and trailers of the first calls of a method, by its name, before they do anything.
    std::map<std::string, std::vector<grpc::Status>> failures;
    std::map<std::string, std::string> trailers;  // sent with every failure
    // After how many messages each StreamResults breaks with UNAVAILABLE; further ones run to the end.
    std::vector<int> break_results_after;
    int64_t skip_sequence = 0;  // a sequence number that StreamResults leaves out
    bool never_ends = false;    // streams wait for the client to go
    std::string failed_job;     // this id gets FAILED
    std::function<v1::Verdict(const v1::Job&, int index)> verdict;
  };

  FakeBatchServer() : FakeBatchServer(Script()) {}
  explicit FakeBatchServer(Script script) : script_(std::move(script)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<v1::BatchService::Service*>(this));
    builder.RegisterService(static_cast<v1::EmbeddingService::Service*>(this));
    builder.RegisterService(static_cast<v1::ServerService::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  ~FakeBatchServer() override { server_->Shutdown(std::chrono::system_clock::now()); }

  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  // Of every call of `method`, also the failed ones.
  int Calls(const std::string& method) const {
    MutexLock lock(mutex_);
    const auto found = calls_.find(method);
    return found == calls_.end() ? 0 : found->second;
  }
  std::vector<v1::Job> JobsOf(const std::string& name) const {
    MutexLock lock(mutex_);
    return batches_.at(name).jobs;
  }
  v1::NewBatch NewBatchOf(const std::string& name) const {
    MutexLock lock(mutex_);
    return batches_.at(name).made_from;
  }
  int num_batches() const {
    MutexLock lock(mutex_);
    return static_cast<int>(batches_.size());
  }
  std::vector<std::string> request_ids() const {
    MutexLock lock(mutex_);
    return request_ids_;
  }
  // Notified once a stream that never ends has begun.
  const Notification& streaming() const { return streaming_; }

  grpc::Status CreateBatch(grpc::ServerContext* context, const v1::CreateBatchRequest* request,
                           v1::Batch* response) override {
    RememberRequestId(request->batch());
    if (grpc::Status failed = Begin("CreateBatch", context); !failed.ok()) return failed;
    *response = Seal(request->batch(), {request->jobs().begin(), request->jobs().end()});
    return grpc::Status::OK;
  }

  grpc::Status UploadBatch(grpc::ServerContext* context, grpc::ServerReader<v1::UploadBatchRequest>* reader,
                           v1::Batch* response) override {
    v1::UploadBatchRequest message;
    if (!reader->Read(&message)) return {grpc::StatusCode::INVALID_ARGUMENT, "empty upload"};
    const v1::NewBatch batch = message.batch();
    RememberRequestId(batch);
    if (grpc::Status failed = Begin("UploadBatch", context); !failed.ok()) return failed;
    std::vector<v1::Job> jobs;
    bool complete = message.last();
    while (reader->Read(&message)) {
      jobs.insert(jobs.end(), message.jobs().begin(), message.jobs().end());
      complete = message.last();
    }
    if (context->IsCancelled()) return grpc::Status::CANCELLED;
    if (!complete) return {grpc::StatusCode::INVALID_ARGUMENT, "the last message did not come"};
    *response = Seal(batch, std::move(jobs));
    return grpc::Status::OK;
  }

  grpc::Status GetBatch(grpc::ServerContext* context, const v1::GetBatchRequest* request,
                        v1::Batch* response) override {
    if (grpc::Status failed = Begin("GetBatch", context); !failed.ok()) return failed;
    return Find(request->name(), response);
  }

  grpc::Status ListBatches(grpc::ServerContext* context, const v1::ListBatchesRequest*,
                           v1::ListBatchesResponse* response) override {
    if (grpc::Status failed = Begin("ListBatches", context); !failed.ok()) return failed;
    MutexLock lock(mutex_);
    for (const auto& [name, stored] : batches_) *response->add_batches() = stored.batch;
    return grpc::Status::OK;
  }

  grpc::Status CancelBatch(grpc::ServerContext* context, const v1::CancelBatchRequest* request,
                           v1::Batch* response) override {
    if (grpc::Status failed = Begin("CancelBatch", context); !failed.ok()) return failed;
    return Find(request->name(), response);
  }

  grpc::Status DeleteBatch(grpc::ServerContext* context, const v1::DeleteBatchRequest* request,
                           google::protobuf::Empty*) override {
    if (grpc::Status failed = Begin("DeleteBatch", context); !failed.ok()) return failed;
    MutexLock lock(mutex_);
    return batches_.erase(request->name()) == 1 ? grpc::Status::OK : NotFound(request->name());
  }

  grpc::Status WatchBatch(grpc::ServerContext* context, const v1::WatchBatchRequest* request,
                          grpc::ServerWriter<v1::BatchProgress>* writer) override {
    if (grpc::Status failed = Begin("WatchBatch", context); !failed.ok()) return failed;
    v1::BatchProgress progress;
    if (grpc::Status failed = Find(request->name(), progress.mutable_batch()); !failed.ok()) return failed;
    const v1::Batch ended = progress.batch();
    progress.mutable_batch()->clear_plan();
    progress.mutable_batch()->set_state(v1::Batch::RUNNING);
    progress.mutable_batch()->mutable_counts()->clear_succeeded();
    writer->Write(progress);
    if (script_.never_ends) return WaitForClient(context);
    *progress.mutable_batch() = ended;
    writer->Write(progress);
    return grpc::Status::OK;
  }

  grpc::Status StreamResults(grpc::ServerContext* context, const v1::StreamResultsRequest* request,
                             grpc::ServerWriter<v1::JobResult>* writer) override {
    if (grpc::Status failed = Begin("StreamResults", context); !failed.ok()) return failed;
    const std::vector<v1::JobResult> results = Results(request->name());
    const int broken_after = NextBreak();
    int sent = 0;
    for (const v1::JobResult& result : results) {
      if (result.sequence() <= request->after_sequence() || result.sequence() == script_.skip_sequence)
        continue;
      if (sent == broken_after) return {grpc::StatusCode::UNAVAILABLE, "connection broken by the script"};
      writer->Write(result);
      ++sent;
    }
    return script_.never_ends ? WaitForClient(context) : grpc::Status::OK;
  }

  grpc::Status ListResults(grpc::ServerContext* context, const v1::ListResultsRequest* request,
                           v1::ListResultsResponse* response) override {
    if (grpc::Status failed = Begin("ListResults", context); !failed.ok()) return failed;
    std::vector<v1::JobResult> results = Results(request->name());
    std::stable_sort(results.begin(), results.end(), [](const v1::JobResult& a, const v1::JobResult& b) {
      return a.verdict().score() != b.verdict().score() ? a.verdict().score() > b.verdict().score()
                                                        : a.id() < b.id();
    });
    const size_t begin = request->page_token().empty() ? 0 : std::stoul(request->page_token());
    const size_t end = std::min(results.size(), begin + request->page_size());
    for (size_t i = begin; i < end; ++i) {
      results[i].set_rank(static_cast<int64_t>(i) + 1);
      *response->add_results() = results[i];
    }
    if (end < results.size()) response->set_next_page_token(absl::StrCat(end));
    return grpc::Status::OK;
  }

  // A text's vector is [its length, 0, 1]; texts over 100 bytes count as cut.
  grpc::Status Embed(grpc::ServerContext* context, const v1::EmbedRequest* request,
                     v1::EmbedResponse* response) override {
    if (grpc::Status failed = Begin("Embed", context); !failed.ok()) return failed;
    constexpr size_t kLimitBytes = 100;
    response->set_dimensions(3);
    for (const std::string& text : request->texts()) {
      const float row[] = {static_cast<float>(text.size()), 0, 1};
      response->mutable_vectors()->append(reinterpret_cast<const char*>(row), sizeof(row));
      response->add_truncated(text.size() > kLimitBytes);
    }
    return grpc::Status::OK;
  }

  grpc::Status GetServer(grpc::ServerContext* context, const v1::GetServerRequest*,
                         v1::Server* response) override {
    if (grpc::Status failed = Begin("GetServer", context); !failed.ok()) return failed;
    response->set_version("9.9.9");
    response->set_tier("cpu");
    response->set_tier_reason("no accelerator found");
    response->mutable_host()->set_cores(2);
    return grpc::Status::OK;
  }

 private:
  struct Stored {
    v1::NewBatch made_from;
    v1::Batch batch;
    std::vector<v1::Job> jobs;
  };

  static grpc::Status NotFound(const std::string& name) {
    return {grpc::StatusCode::NOT_FOUND, name + " does not exist"};
  }

  grpc::Status Begin(const std::string& method, grpc::ServerContext* context) {
    MutexLock lock(mutex_);
    const int call = calls_[method]++;
    const auto found = script_.failures.find(method);
    if (found == script_.failures.end() || call >= static_cast<int>(found->second.size()))
      return grpc::Status::OK;
    for (const auto& [key, value] : script_.trailers) context->AddTrailingMetadata(key, value);
    return found->second[call];
  }

  void RememberRequestId(const v1::NewBatch& batch) {
    MutexLock lock(mutex_);
    request_ids_.push_back(batch.request_id());
  }

  int NextBreak() {
    MutexLock lock(mutex_);
    if (streams_ >= script_.break_results_after.size()) return -1;
    return script_.break_results_after[streams_++];
  }

  grpc::Status WaitForClient(grpc::ServerContext* context) {
    streaming_.Notify();
    while (!context->IsCancelled()) gone_.WaitFor(absl::Milliseconds(5));
    return grpc::Status::CANCELLED;
  }

  v1::Batch Seal(const v1::NewBatch& made_from, std::vector<v1::Job> jobs) {
    MutexLock lock(mutex_);
    Stored stored;
    stored.made_from = made_from;
    v1::Batch& batch = stored.batch;
    batch.set_name(absl::StrCat("batches/b", batches_.size() + 1));
    batch.set_kind(made_from.has_screen() ? "screen" : "embed");
    const auto count = static_cast<int64_t>(jobs.size());
    const int64_t failed = std::count_if(jobs.begin(), jobs.end(),
                                         [&](const v1::Job& job) { return job.id() == script_.failed_job; });
    batch.set_state(failed > 0 ? v1::Batch::COMPLETED_WITH_ERRORS : v1::Batch::SUCCEEDED);
    batch.mutable_counts()->set_jobs(count);
    batch.mutable_counts()->set_succeeded(count - failed);
    batch.mutable_counts()->set_failed(failed);
    batch.mutable_create_time()->set_seconds(1'768'471'200);
    *batch.mutable_as_of() = made_from.has_as_of() ? made_from.as_of() : batch.create_time();
    batch.mutable_end_time()->set_seconds(1'768'471'202);
    batch.mutable_plan()->set_policy(v1::Gate::VOLUME);
    batch.mutable_plan()->set_threshold(0.35);
    batch.mutable_plan()->set_postings(count);
    batch.mutable_plan()->set_survivors(count);
    stored.jobs = std::move(jobs);
    return (batches_[batch.name()] = std::move(stored)).batch;
  }

  grpc::Status Find(const std::string& name, v1::Batch* out) const {
    MutexLock lock(mutex_);
    const auto found = batches_.find(name);
    if (found == batches_.end()) return NotFound(name);
    *out = found->second.batch;
    return grpc::Status::OK;
  }

  std::vector<v1::JobResult> Results(const std::string& name) const {
    MutexLock lock(mutex_);
    std::vector<v1::JobResult> results;
    const auto found = batches_.find(name);
    if (found == batches_.end()) return results;
    for (const v1::Job& job : found->second.jobs) {
      v1::JobResult& result = results.emplace_back();
      const auto index = static_cast<int>(results.size()) - 1;
      result.set_sequence(index + 1);
      result.set_index(index);
      result.set_id(job.id());
      if (job.id() == script_.failed_job) {
        result.set_outcome(v1::JobResult::FAILED);
        result.mutable_error()->set_message("the script says so");
        continue;
      }
      result.set_outcome(v1::JobResult::SUCCEEDED);
      *result.mutable_verdict() = script_.verdict ? script_.verdict(job, index) : DefaultVerdict(index);
    }
    return results;
  }

  static v1::Verdict DefaultVerdict(int index) {
    v1::Verdict verdict;
    verdict.set_decision(v1::Verdict::ACCEPT);
    verdict.set_score(1.0 / (index + 1));
    return verdict;
  }

  const Script script_;
  int port_ = 0;
  Notification streaming_;
  Notification gone_;  // never notified: gives WaitForClient its interval
  mutable Mutex mutex_;
  std::map<std::string, int> calls_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Stored> batches_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> request_ids_ ABSL_GUARDED_BY(mutex_);
  size_t streams_ ABSL_GUARDED_BY(mutex_) = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace sluice
