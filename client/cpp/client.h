// Client: a Sluice server as typed calls that look after themselves.
//
// What may safely be tried again is, by RetryOptions: creation through a request id that the client makes,
// streams from the last message seen. Everything else that fails is handed on with the server's reason, field
// violations and retry delay on the status (core/base/error_details.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cpp/retry.h"
#include "sluice/v1/batches.pb.h"
#include "sluice/v1/embeddings.pb.h"
#include "sluice/v1/library.pb.h"
#include "sluice/v1/server.pb.h"

namespace sluice {

struct ClientOptions {
  std::string address = "127.0.0.1:7070";  // "host:port" or "unix:/path"
  absl::Duration connect_timeout = absl::Seconds(3);
  absl::Duration call_timeout = absl::Minutes(2);  // of calls that are not streams
  RetryOptions retry;
  // In [0, 1); default a generator seeded by the system. Thread-safe.
  std::function<double()> jitter;
  // Waits between attempts; default real time, cut short by Interrupt. Thread-safe.
  std::function<void(absl::Duration)> sleep;
};

// A random (version 4) UUID.
std::string MakeRequestId();

// Takes the next job of an upload; after an error hand it on and stop.
using UploadSink = absl::FunctionRef<absl::Status(v1::Job)>;
// Gives every job to the sink, in order. Called again, from the beginning, when the upload is tried again.
using JobSource = absl::FunctionRef<absl::Status(UploadSink)>;

// Reads up to `size` bytes of a content from `offset` on; an empty piece ends it. After an error the upload
// stops and hands it on.
using ContentReader = absl::FunctionRef<absl::StatusOr<std::string>(int64_t offset, size_t size)>;

// Thread-safe; every call blocks. Calls end with CANCELLED once Interrupt was called.
class Client {
 public:
  // Waits for the connection. UNAVAILABLE names the address and why nobody answers there; INVALID_ARGUMENT:
  // it is none.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options);
  virtual ~Client() = default;

  // An empty request_id is filled in. At most 4 MiB; UploadBatch beyond.
  virtual absl::StatusOr<v1::Batch> CreateBatch(v1::CreateBatchRequest request) = 0;

  // Streams the jobs as fast as the server takes them, holding one message of about 1 MiB, then seals the
  // batch. An error of `source` abandons the upload, which leaves nothing behind, and is handed on.
  virtual absl::StatusOr<v1::Batch> UploadBatch(v1::NewBatch batch, JobSource source) = 0;

  virtual absl::StatusOr<v1::Batch> GetBatch(const std::string& name) = 0;
  virtual absl::StatusOr<v1::ListBatchesResponse> ListBatches(const v1::ListBatchesRequest& request) = 0;
  virtual absl::StatusOr<v1::Batch> CancelBatch(const std::string& name) = 0;
  virtual absl::Status DeleteBatch(const std::string& name) = 0;

  // Hands over the progress now and whenever it changed, until the batch ends or `sink` returns an error.
  // Survives broken connections.
  virtual absl::Status WatchBatch(const std::string& name, absl::Duration min_interval,
                                  absl::FunctionRef<absl::Status(const v1::BatchProgress&)> sink) = 0;

  // Hands over every result after `after_sequence` once, in sequence, until the batch ends or `sink` returns
  // an error. Survives broken connections by resuming after the last one. DATA_LOSS should the server leave
  // one out.
  virtual absl::Status StreamResults(const std::string& name, int64_t after_sequence,
                                     absl::FunctionRef<absl::Status(const v1::JobResult&)> sink) = 0;

  // One page of the ranked view, into `page`: verdicts are many small messages, best made in an arena.
  // FAILED_PRECONDITION before the batch has ended.
  virtual absl::Status ListResults(const v1::ListResultsRequest& request, v1::ListResultsResponse& page) = 0;

  virtual absl::StatusOr<v1::EmbedResponse> Embed(const v1::EmbedRequest& request) = 0;
  virtual absl::StatusOr<v1::Server> GetServer() = 0;

  // Sends what the server lacks of a content of `size` bytes, holding one message of it. A connection that
  // breaks is taken up again where the server says.
  virtual absl::StatusOr<v1::Upload> UploadContent(const std::string& sha256, int64_t size,
                                                   ContentReader reader) = 0;
  virtual absl::StatusOr<v1::Upload> GetUpload(const std::string& sha256) = 0;
  virtual absl::StatusOr<v1::ListDocumentsResponse> ListDocuments(
      const v1::ListDocumentsRequest& request) = 0;
  virtual absl::StatusOr<v1::Document> GetDocument(const std::string& name) = 0;
  virtual absl::StatusOr<v1::DocumentPage> GetPage(const v1::GetPageRequest& request) = 0;
  virtual absl::StatusOr<v1::Document> UpdateDocument(const v1::UpdateDocumentRequest& request) = 0;
  // An empty request_id is filled in.
  virtual absl::StatusOr<v1::RetryDocumentResponse> RetryDocument(v1::RetryDocumentRequest request) = 0;
  virtual absl::Status DeleteDocument(const std::string& name) = 0;

  // Where it is connected to.
  virtual const std::string& address() const = 0;

  // Ends the calls that run and every later one with CANCELLED. Idempotent; not for use in a signal handler.
  virtual void Interrupt() = 0;
};

}  // namespace sluice
