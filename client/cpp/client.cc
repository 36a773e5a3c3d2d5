#include "client/cpp/client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>

#include <array>
#include <cstdio>
#include <random>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/deadline.h"
#include "client/cpp/server_address.h"
#include "client/cpp/status_convert.h"
#include "core/base/mutex.h"
#include "core/base/notification.h"
#include "core/base/status_macros.h"
#include "sluice/v1/batches.grpc.pb.h"
#include "sluice/v1/embeddings.grpc.pb.h"
#include "sluice/v1/library.grpc.pb.h"
#include "sluice/v1/server.grpc.pb.h"

namespace sluice {
namespace {

constexpr int kMaxReceivedMessageBytes = 64 << 20;
constexpr size_t kUploadMessageBytes = 1 << 20;
constexpr size_t kPieceBytes = 512 << 10;

absl::Status InterruptedError() {
  return absl::CancelledError("interrupted");
}

// The calls that run now, so that they can be ended from outside.
class RunningCalls {
 public:
  bool interrupted() const { return interrupted_.HasBeenNotified(); }
  void Wait(absl::Duration delay) const { interrupted_.WaitFor(delay); }

  void Interrupt() {
    interrupted_.Notify();
    // Under the lock because a context lives only until Remove; TryCancel never blocks.
    MutexLock lock(mutex_);
    for (grpc::ClientContext* context : contexts_) context->TryCancel();
  }

  void Add(grpc::ClientContext* context) {
    MutexLock lock(mutex_);
    contexts_.insert(context);
    if (interrupted()) context->TryCancel();
  }
  void Remove(grpc::ClientContext* context) {
    MutexLock lock(mutex_);
    contexts_.erase(context);
  }

 private:
  Notification interrupted_;
  Mutex mutex_;
  absl::flat_hash_set<grpc::ClientContext*> contexts_ ABSL_GUARDED_BY(mutex_);
};

// A call's context, known to RunningCalls as long as it lives.
class Call {
 public:
  explicit Call(RunningCalls& calls) : calls_(calls) { calls_.Add(&context_); }
  ~Call() { calls_.Remove(&context_); }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  grpc::ClientContext* context() { return &context_; }
  void SetTimeout(absl::Duration timeout) { context_.set_deadline(DeadlineAfter(timeout)); }
  void Cancel() { context_.TryCancel(); }

  absl::Status Result(const grpc::Status& status) const {
    if (status.error_code() == grpc::StatusCode::CANCELLED && calls_.interrupted()) return InterruptedError();
    return FromGrpcStatus(status, context_);
  }

 private:
  RunningCalls& calls_;
  grpc::ClientContext context_;
};

// Fills messages of about kUploadMessageBytes and writes them.
class JobUpload {
 public:
  explicit JobUpload(grpc::ClientWriter<v1::UploadBatchRequest>& writer) : writer_(writer) {}

  absl::Status Begin(const v1::NewBatch& batch) {
    *message_.mutable_batch() = batch;
    return Write();
  }

  absl::Status Add(v1::Job job) {
    const size_t bytes = job.ByteSizeLong();
    if (bytes_ > 0 && bytes_ + bytes > kUploadMessageBytes) SLUICE_RETURN_IF_ERROR(Write());
    bytes_ += bytes;
    *message_.add_jobs() = std::move(job);
    return absl::OkStatus();
  }

  absl::Status End() {
    message_.set_last(true);
    return Write();
  }
  bool broken() const { return broken_; }

 private:
  absl::Status Write() {
    broken_ = !writer_.Write(message_);
    message_.Clear();
    bytes_ = 0;
    return broken_ ? absl::AbortedError("the server ended the upload") : absl::OkStatus();
  }

  grpc::ClientWriter<v1::UploadBatchRequest>& writer_;
  v1::UploadBatchRequest message_;
  size_t bytes_ = 0;
  bool broken_ = false;
};

class GrpcClient final : public Client {
 public:
  GrpcClient(ClientOptions options, const std::shared_ptr<grpc::Channel>& channel)
      : options_(std::move(options)),
        batches_(v1::BatchService::NewStub(channel)),
        embeddings_(v1::EmbeddingService::NewStub(channel)),
        libraries_(v1::LibraryService::NewStub(channel)),
        servers_(v1::ServerService::NewStub(channel)) {
    if (!options_.sleep) options_.sleep = [this](absl::Duration delay) { calls_.Wait(delay); };
    if (!options_.jitter) options_.jitter = [this] { return Random(); };
  }

  absl::StatusOr<v1::Batch> CreateBatch(v1::CreateBatchRequest request) override {
    if (request.batch().request_id().empty()) request.mutable_batch()->set_request_id(MakeRequestId());
    return Unary<v1::Batch>(*batches_, &v1::BatchService::Stub::CreateBatch, request);
  }

  absl::StatusOr<v1::Batch> UploadBatch(v1::NewBatch batch, JobSource source) override {
    if (batch.request_id().empty()) batch.set_request_id(MakeRequestId());
    absl::StatusOr<v1::Batch> sealed = absl::UnknownError("not tried");
    // An error of the source says nothing about the server: it must not be taken for one to retry.
    absl::Status source_error;
    SLUICE_RETURN_IF_ERROR(Retried([&] {
      sealed = UploadOnce(batch, source, source_error);
      return source_error.ok() ? sealed.status() : absl::OkStatus();
    }));
    if (!source_error.ok()) return source_error;
    return sealed;
  }

  absl::StatusOr<v1::Batch> GetBatch(const std::string& name) override {
    v1::GetBatchRequest request;
    request.set_name(name);
    return Unary<v1::Batch>(*batches_, &v1::BatchService::Stub::GetBatch, request);
  }

  absl::StatusOr<v1::ListBatchesResponse> ListBatches(const v1::ListBatchesRequest& request) override {
    return Unary<v1::ListBatchesResponse>(*batches_, &v1::BatchService::Stub::ListBatches, request);
  }

  absl::StatusOr<v1::Batch> CancelBatch(const std::string& name) override {
    v1::CancelBatchRequest request;
    request.set_name(name);
    return Unary<v1::Batch>(*batches_, &v1::BatchService::Stub::CancelBatch, request);
  }

  absl::Status DeleteBatch(const std::string& name) override {
    v1::DeleteBatchRequest request;
    request.set_name(name);
    return Unary<google::protobuf::Empty>(*batches_, &v1::BatchService::Stub::DeleteBatch, request).status();
  }

  absl::Status WatchBatch(const std::string& name, absl::Duration min_interval,
                          absl::FunctionRef<absl::Status(const v1::BatchProgress&)> sink) override {
    v1::WatchBatchRequest request;
    request.set_name(name);
    request.mutable_min_interval()->set_seconds(absl::ToInt64Seconds(min_interval));
    request.mutable_min_interval()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(min_interval % absl::Seconds(1))));
    return Stream<v1::BatchProgress>(
        [&](grpc::ClientContext* context) { return batches_->WatchBatch(context, request); }, sink);
  }

  absl::Status StreamResults(const std::string& name, int64_t after_sequence,
                             absl::FunctionRef<absl::Status(const v1::JobResult&)> sink) override {
    v1::StreamResultsRequest request;
    request.set_name(name);
    request.set_after_sequence(after_sequence);
    return Stream<v1::JobResult>(
        [&](grpc::ClientContext* context) { return batches_->StreamResults(context, request); },
        [&](const v1::JobResult& result) {
          const int64_t expected = request.after_sequence() + 1;
          if (result.sequence() != expected) {
            return absl::DataLossError(absl::StrCat(name, ": expected the result with sequence ", expected,
                                                    ", got ", result.sequence()));
          }
          request.set_after_sequence(result.sequence());
          return sink(result);
        });
  }

  absl::Status ListResults(const v1::ListResultsRequest& request, v1::ListResultsResponse& page) override {
    return UnaryInto(page, *batches_, &v1::BatchService::Stub::ListResults, request);
  }

  absl::StatusOr<v1::EmbedResponse> Embed(const v1::EmbedRequest& request) override {
    return Unary<v1::EmbedResponse>(*embeddings_, &v1::EmbeddingService::Stub::Embed, request);
  }

  absl::StatusOr<v1::Server> GetServer() override {
    return Unary<v1::Server>(*servers_, &v1::ServerService::Stub::GetServer, v1::GetServerRequest());
  }

  absl::StatusOr<v1::Upload> UploadContent(const std::string& sha256, int64_t size,
                                           ContentReader reader) override {
    absl::StatusOr<v1::Upload> upload = absl::UnknownError("not tried");
    // An error of the reader says nothing about the server: it must not be taken for one to retry.
    absl::Status reader_error;
    SLUICE_RETURN_IF_ERROR(Retried([&]() -> absl::Status {
      upload = GetUploadOnce(sha256);
      if (!upload.ok() || upload->complete()) return upload.status();
      upload = UploadFrom(sha256, size, upload->offset(), reader, reader_error);
      return reader_error.ok() ? upload.status() : absl::OkStatus();
    }));
    if (!reader_error.ok()) return reader_error;
    return upload;
  }

  absl::StatusOr<v1::Upload> GetUpload(const std::string& sha256) override {
    v1::GetUploadRequest request;
    request.set_sha256(sha256);
    return Unary<v1::Upload>(*libraries_, &v1::LibraryService::Stub::GetUpload, request);
  }

  absl::StatusOr<v1::ListDocumentsResponse> ListDocuments(const v1::ListDocumentsRequest& request) override {
    return Unary<v1::ListDocumentsResponse>(*libraries_, &v1::LibraryService::Stub::ListDocuments, request);
  }

  absl::StatusOr<v1::Document> GetDocument(const std::string& name) override {
    v1::GetDocumentRequest request;
    request.set_name(name);
    return Unary<v1::Document>(*libraries_, &v1::LibraryService::Stub::GetDocument, request);
  }

  absl::StatusOr<v1::DocumentPage> GetPage(const v1::GetPageRequest& request) override {
    return Unary<v1::DocumentPage>(*libraries_, &v1::LibraryService::Stub::GetPage, request);
  }

  absl::StatusOr<v1::Document> UpdateDocument(const v1::UpdateDocumentRequest& request) override {
    return Unary<v1::Document>(*libraries_, &v1::LibraryService::Stub::UpdateDocument, request);
  }

  absl::StatusOr<v1::RetryDocumentResponse> RetryDocument(v1::RetryDocumentRequest request) override {
    if (request.request_id().empty()) request.set_request_id(MakeRequestId());
    return Unary<v1::RetryDocumentResponse>(*libraries_, &v1::LibraryService::Stub::RetryDocument, request);
  }

  absl::Status DeleteDocument(const std::string& name) override {
    v1::DeleteDocumentRequest request;
    request.set_name(name);
    return Unary<google::protobuf::Empty>(*libraries_, &v1::LibraryService::Stub::DeleteDocument, request)
        .status();
  }

  const std::string& address() const override { return options_.address; }
  void Interrupt() override { calls_.Interrupt(); }

 private:
  double Random() {
    MutexLock lock(random_mutex_);
    return std::uniform_real_distribution<double>(0, 1)(random_);
  }

  // Waits out the delay before another attempt; false when there should be none.
  bool WaitToRetry(int failed_attempts, int max_attempts, const absl::Status& status) {
    RetryOptions retry = options_.retry;
    retry.max_attempts = max_attempts;
    const auto delay = NextAttemptIn(retry, failed_attempts, status, options_.jitter());
    if (!delay.has_value() || calls_.interrupted()) return false;
    options_.sleep(*delay);
    return true;
  }

  template <typename Attempt>
  absl::Status Retried(Attempt attempt) {
    for (int failed_attempts = 1;; ++failed_attempts) {
      if (calls_.interrupted()) return InterruptedError();
      const absl::Status status = attempt();
      if (status.ok() || !WaitToRetry(failed_attempts, options_.retry.max_attempts, status)) return status;
    }
  }

  absl::StatusOr<v1::Upload> GetUploadOnce(const std::string& sha256) {
    v1::GetUploadRequest request;
    request.set_sha256(sha256);
    v1::Upload upload;
    Call call(calls_);
    call.SetTimeout(options_.call_timeout);
    const absl::Status status = call.Result(libraries_->GetUpload(call.context(), request, &upload));
    if (!status.ok()) return status;
    return upload;
  }

  // The server may end the stream early: it has the content already.
  absl::StatusOr<v1::Upload> UploadFrom(const std::string& sha256, int64_t size, int64_t offset,
                                        ContentReader reader, absl::Status& reader_error) {
    v1::Upload upload;
    Call call(calls_);
    const auto writer = libraries_->UploadContent(call.context(), &upload);
    v1::UploadContentRequest message;
    message.mutable_content()->set_sha256(sha256);
    message.mutable_content()->set_size(size);
    message.mutable_content()->set_offset(offset);
    while (true) {
      absl::StatusOr<std::string> piece = reader(offset, kPieceBytes);
      if (!piece.ok()) {
        reader_error = piece.status();
        call.Cancel();
        break;
      }
      if (piece->empty()) break;
      offset += static_cast<int64_t>(piece->size());
      message.set_piece(*std::move(piece));
      if (!writer->Write(message)) break;
      message.Clear();
    }
    writer->WritesDone();
    const absl::Status status = call.Result(writer->Finish());
    if (!status.ok()) return status;
    if (upload.complete()) return upload;
    return absl::UnavailableError("the server ended the upload before it had all of it");
  }

  template <typename Response, typename Stub, typename Request>
  absl::StatusOr<Response> Unary(Stub& stub,
                                 grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                                 const Request& request) {
    Response response;
    SLUICE_RETURN_IF_ERROR(UnaryInto(response, stub, method, request));
    return response;
  }

  template <typename Response, typename Stub, typename Request>
  absl::Status UnaryInto(Response& response, Stub& stub,
                         grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                         const Request& request) {
    return Retried([&] {
      Call call(calls_);
      call.SetTimeout(options_.call_timeout);
      response.Clear();
      return call.Result((stub.*method)(call.context(), request, &response));
    });
  }

  // Reads a server stream to its end, opening it again as often as the retry options allow without progress
  // between.
  template <typename Message, typename Open, typename Sink>
  absl::Status Stream(Open open, Sink sink) {
    int failed_attempts = 0;
    while (true) {
      if (calls_.interrupted()) return InterruptedError();
      Call call(calls_);
      const auto reader = open(call.context());
      Message message;
      while (reader->Read(&message)) {
        failed_attempts = 0;
        if (const absl::Status taken = sink(message); !taken.ok()) {
          call.Cancel();
          reader->Finish();
          return taken;
        }
      }
      const absl::Status status = call.Result(reader->Finish());
      // A reader that was cut for being slow goes on where it was, as after a lost connection.
      const absl::Status lost = absl::IsAborted(status) ? absl::UnavailableError(status.message()) : status;
      if (lost.ok() || !WaitToRetry(++failed_attempts, options_.retry.max_stream_attempts, lost))
        return status;
    }
  }

  absl::StatusOr<v1::Batch> UploadOnce(const v1::NewBatch& batch, JobSource source,
                                       absl::Status& source_error) {
    Call call(calls_);
    v1::Batch sealed;
    const auto writer = batches_->UploadBatch(call.context(), &sealed);
    JobUpload upload(*writer);
    absl::Status sent = upload.Begin(batch);
    if (sent.ok()) sent = source([&](v1::Job job) { return upload.Add(std::move(job)); });
    if (sent.ok()) sent = upload.End();
    if (!sent.ok() && !upload.broken()) {
      source_error = sent;
      call.Cancel();
    } else if (!upload.broken()) {
      writer->WritesDone();
    }
    SLUICE_RETURN_IF_ERROR(call.Result(writer->Finish()));
    return sealed;
  }

  ClientOptions options_;
  RunningCalls calls_;
  Mutex random_mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(random_mutex_){std::random_device{}()};
  const std::unique_ptr<v1::BatchService::Stub> batches_;
  const std::unique_ptr<v1::EmbeddingService::Stub> embeddings_;
  const std::unique_ptr<v1::LibraryService::Stub> libraries_;
  const std::unique_ptr<v1::ServerService::Stub> servers_;
};

}  // namespace

std::string MakeRequestId() {
  std::random_device random;
  std::array<uint32_t, 4> words;
  for (uint32_t& word : words) word = random();
  char text[37];
  std::snprintf(text, sizeof(text), "%08x-%04x-4%03x-%04x-%04x%08x", words[0], words[1] >> 16,
                words[1] & 0xFFF, 0x8000 | (words[2] >> 16 & 0x3FFF), words[2] & 0xFFFF, words[3]);
  return text;
}

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(ClientOptions options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxReceivedMessageBytes);
  // Ours know about request ids and sequence numbers; both at once would multiply.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  SLUICE_ASSIGN_OR_RETURN(const std::string target, ChannelTarget(options.address));
  const auto channel = grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(DeadlineAfter(options.connect_timeout))) {
    const std::string why = WhyNobodyAnswers(options.address);
    return absl::UnavailableError(absl::StrCat("no Sluice server at ", options.address, " within ",
                                               absl::FormatDuration(options.connect_timeout),
                                               why.empty() ? "" : ": ", why));
  }
  return std::make_unique<GrpcClient>(std::move(options), channel);
}

}  // namespace sluice
