// ServerService: sluice.v1.ServerService: what runs here.
#pragma once

#include "server/convert/server_convert.h"
#include "server/front_door.h"
#include "server/rpc/unary_call.h"
#include "sluice/v1/server.grpc.pb.h"

namespace sluice {

// Thread-safe. All references must outlive it.
class ServerService final
    : public v1::ServerService::WithRawCallbackMethod_GetServer<v1::ServerService::Service> {
 public:
  ServerService(const ServerFacts& facts, const FrontDoor& door, const RpcShared& shared)
      : facts_(facts),
        door_(door),
        get_server_(shared, v1::ServerService::service_full_name(), "GetServer", "unary") {}

  grpc::ServerUnaryReactor* GetServer(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override {
    using Call = UnaryCall<v1::GetServerRequest, v1::Server>;
    return Call::Start(get_server_, *context, *request, *response, [this](const Call::Ptr& call) {
      ServerToProto(facts_, door_.draining(), &call->response());
      call->Finish(absl::OkStatus());
    });
  }

 private:
  const ServerFacts& facts_;
  const FrontDoor& door_;
  const RpcMethod get_server_;
};

}  // namespace sluice
