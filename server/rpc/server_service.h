// ServerService: sluice.v1.ServerService: what runs here.
#pragma once

#include "server/convert/server_convert.h"
#include "server/front_door.h"
#include "server/rpc/rpc_method.h"
#include "sluice/v1/server.grpc.pb.h"

namespace sluice {

// Thread-safe. All references must outlive it.
class ServerService final : public v1::ServerService::CallbackService {
 public:
  ServerService(const ServerFacts& facts, const FrontDoor& door, const RpcShared& shared)
      : facts_(facts),
        door_(door),
        get_server_(shared, v1::ServerService::service_full_name(), "GetServer", "unary") {}

  grpc::ServerUnaryReactor* GetServer(grpc::CallbackServerContext* context,
                                      const v1::GetServerRequest* /*request*/,
                                      v1::Server* response) override {
    const UnaryCall call(get_server_, *context);
    ServerToProto(facts_, door_.draining(), response);
    call.Finish(absl::OkStatus());
    return call.reactor();
  }

 private:
  const ServerFacts& facts_;
  const FrontDoor& door_;
  const RpcMethod get_server_;
};

}  // namespace sluice
