// BatchService: sluice.v1.BatchService over the store and the result feed. Thin: requests are checked and
// converted by server/convert, streams live in their own reactors.
#pragma once

#include <memory>
#include <string>

#include "core/base/executor.h"
#include "core/results/result_feed.h"
#include "core/store/batch_catalog.h"
#include "core/store/result_reader.h"
#include "server/batch_changes.h"
#include "server/front_door.h"
#include "server/rpc/rpc_method.h"
#include "server/rpc/unary_call.h"
#include "sluice/v1/batches.grpc.pb.h"

namespace sluice {

// All must outlive the service and its calls; the executor the store as well.
struct BatchServiceParts {
  RpcShared rpc;
  BatchCatalog* catalog = nullptr;
  ResultReader* results = nullptr;
  ResultFeed* feed = nullptr;
  BatchChanges* changes = nullptr;
  FrontDoor* door = nullptr;
  Executor* executor = nullptr;                      // checks requests, off gRPC's threads
  absl::Duration reader_timeout = absl::Minutes(1);  // of StreamResults and WatchBatch; > 0
  absl::Duration upload_timeout = absl::Minutes(1);  // of each message of UploadBatch; > 0
  bool has_model = false;
  bool has_parser = false;
};

// Every method of the service takes and gives bytes (server/convert/wire.h).
using RawBatchService =
    v1::BatchService::WithRawCallbackMethod_CreateBatch<v1::BatchService::WithRawCallbackMethod_UploadBatch<
        v1::BatchService::WithRawCallbackMethod_GetBatch<v1::BatchService::WithRawCallbackMethod_ListBatches<
            v1::BatchService::WithRawCallbackMethod_CancelBatch<
                v1::BatchService::WithRawCallbackMethod_DeleteBatch<
                    v1::BatchService::WithRawCallbackMethod_WatchBatch<
                        v1::BatchService::WithRawCallbackMethod_StreamResults<
                            v1::BatchService::WithRawCallbackMethod_ListResults<
                                v1::BatchService::Service>>>>>>>>>;

// Thread-safe. Nothing blocks: every answer comes from the store's callback.
class BatchService final : public RawBatchService {
 public:
  explicit BatchService(BatchServiceParts parts);

  grpc::ServerUnaryReactor* CreateBatch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* UploadBatch(grpc::CallbackServerContext* context,
                                                         grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetBatch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ListBatches(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* CancelBatch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* DeleteBatch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchBatch(grpc::CallbackServerContext* context,
                                                         const grpc::ByteBuffer* request) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamResults(grpc::CallbackServerContext* context,
                                                            const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListResults(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;

 private:
  struct Methods {
    RpcMethod create, upload, get, list, cancel, remove, watch, stream, list_results;
  };

  using CreateCall = UnaryCall<v1::CreateBatchRequest, v1::Batch>;
  using ListResultsCall = UnaryCall<v1::ListResultsRequest, v1::ListResultsResponse>;

  void Admit(const CreateCall::Ptr& call);
  void Create(const CreateCall::Ptr& call, FrontDoor::Ticket ticket);
  void ListRanked(const ListResultsCall::Ptr& call, const Batch& batch, int page_size);

  const BatchServiceParts parts_;
  const Methods methods_;
  const std::string tenant_;  // of every caller: there is no authentication
};

}  // namespace sluice
