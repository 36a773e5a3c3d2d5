// BatchService: sluice.v1.BatchService over the store and the result feed. Thin: requests are checked and
// converted by server/convert, streams live in their own reactors.
#pragma once

#include <memory>
#include <string>

#include "core/base/executor.h"
#include "core/results/result_feed.h"
#include "core/store/batch_store.h"
#include "server/batch_changes.h"
#include "server/front_door.h"
#include "server/rpc/rpc_method.h"
#include "sluice/v1/batches.grpc.pb.h"

namespace sluice {

// All must outlive the service and its calls; the executor the store as well.
struct BatchServiceParts {
  BatchStore* store = nullptr;
  ResultFeed* feed = nullptr;
  BatchChanges* changes = nullptr;
  FrontDoor* door = nullptr;
  Executor* executor = nullptr;  // checks requests, off gRPC's threads
  const Clock* clock = nullptr;
  ServiceMetrics* metrics = nullptr;
  const Refusals* refusals = nullptr;
  absl::Duration reader_timeout = absl::Minutes(1);  // of StreamResults and WatchBatch; > 0
  absl::Duration upload_timeout = absl::Minutes(1);  // of each message of UploadBatch; > 0
  bool has_model = false;
};

// Thread-safe. Nothing blocks: every answer comes from the store's callback.
class BatchService final : public v1::BatchService::CallbackService {
 public:
  explicit BatchService(BatchServiceParts parts);

  grpc::ServerUnaryReactor* CreateBatch(grpc::CallbackServerContext* context,
                                        const v1::CreateBatchRequest* request, v1::Batch* response) override;
  grpc::ServerReadReactor<v1::UploadBatchRequest>* UploadBatch(grpc::CallbackServerContext* context,
                                                               v1::Batch* response) override;
  grpc::ServerUnaryReactor* GetBatch(grpc::CallbackServerContext* context, const v1::GetBatchRequest* request,
                                     v1::Batch* response) override;
  grpc::ServerUnaryReactor* ListBatches(grpc::CallbackServerContext* context,
                                        const v1::ListBatchesRequest* request,
                                        v1::ListBatchesResponse* response) override;
  grpc::ServerUnaryReactor* CancelBatch(grpc::CallbackServerContext* context,
                                        const v1::CancelBatchRequest* request, v1::Batch* response) override;
  grpc::ServerUnaryReactor* DeleteBatch(grpc::CallbackServerContext* context,
                                        const v1::DeleteBatchRequest* request,
                                        google::protobuf::Empty* response) override;
  grpc::ServerWriteReactor<v1::BatchProgress>* WatchBatch(grpc::CallbackServerContext* context,
                                                          const v1::WatchBatchRequest* request) override;
  grpc::ServerWriteReactor<v1::JobResult>* StreamResults(grpc::CallbackServerContext* context,
                                                         const v1::StreamResultsRequest* request) override;
  grpc::ServerUnaryReactor* ListResults(grpc::CallbackServerContext* context,
                                        const v1::ListResultsRequest* request,
                                        v1::ListResultsResponse* response) override;

 private:
  struct Methods {
    RpcMethod create, upload, get, list, cancel, remove, watch, stream, list_results;
  };

  void Create(UnaryCall call, const v1::CreateBatchRequest& request, v1::Batch* response,
              FrontDoor::Ticket ticket);

  const BatchServiceParts parts_;
  const Methods methods_;
  const std::string tenant_;  // of every caller: there is no authentication
};

}  // namespace sluice
