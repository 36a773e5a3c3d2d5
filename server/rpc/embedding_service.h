// EmbeddingService: sluice.v1.EmbeddingService over the embedder.
#pragma once

#include <functional>
#include <string>

#include "core/inference/embedder.h"
#include "server/front_door.h"
#include "server/rpc/rpc_method.h"
#include "sluice/v1/embeddings.grpc.pb.h"

namespace sluice {

// All must outlive the service and its calls.
struct EmbeddingServiceParts {
  RpcShared rpc;
  Embedder* embedder = nullptr;    // null: every call is FAILED_PRECONDITION, reason NO_MODEL
  std::function<CallLoad()> load;  // of the embedder's scheduler; thread-safe
  int max_waiting_texts = 0;       // a call of more is a large one
  int dimensions = 0;
  std::string model;
  FrontDoor* door = nullptr;
};

// Thread-safe; nothing blocks. A call's deadline and cancellation go with its texts to the scheduler.
class EmbeddingService final
    : public v1::EmbeddingService::WithRawCallbackMethod_Embed<v1::EmbeddingService::Service> {
 public:
  explicit EmbeddingService(EmbeddingServiceParts parts);

  grpc::ServerUnaryReactor* Embed(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;

 private:
  const EmbeddingServiceParts parts_;
  const RpcMethod embed_;
};

}  // namespace sluice
