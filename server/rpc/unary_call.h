// UnaryCall: one unary call, from its request's bytes to its answer's.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "server/rpc/rpc_method.h"

namespace sluice {

// What does not depend on the messages. Shared by whoever has yet to answer the call; thread-safe.
class BasicUnaryCall : public std::enable_shared_from_this<BasicUnaryCall> {
 public:
  virtual ~BasicUnaryCall() = default;

  // Answers the call, with the response when OK. The first one counts: a drain may have ended the call
  // before.
  void Finish(const absl::Status& status);

  // Of the request as it came.
  int64_t request_bytes() const { return request_bytes_; }

 protected:
  // All must outlive the call; gRPC's do until it is finished.
  BasicUnaryCall(const RpcMethod& method, grpc::CallbackServerContext& context, grpc::ByteBuffer& response);

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }
  // The first thing to do.
  absl::Status Read(const grpc::ByteBuffer& request, google::protobuf::Message* message);

 private:
  virtual const google::protobuf::MessageLite& Answer() const = 0;

  const RpcMethod& method_;
  grpc::CallbackServerContext& context_;
  grpc::ByteBuffer& response_bytes_;
  grpc::ServerUnaryReactor* const reactor_;
  const absl::Duration started_;
  int64_t request_bytes_ = 0;
  std::atomic<bool> finished_ = false;
  OpenCalls::Place place_;
};

template <typename Request, typename Response>
class UnaryCall final : public BasicUnaryCall {
 public:
  using Ptr = std::shared_ptr<UnaryCall>;

  // Parses the request and hands the call to `serve`, which sees to its end, at once or later. One that
  // cannot be served is answered here. What it returns is for gRPC.
  template <typename Serve>
  static grpc::ServerUnaryReactor* Start(const RpcMethod& method, grpc::CallbackServerContext& context,
                                         const grpc::ByteBuffer& request, grpc::ByteBuffer& response,
                                         Serve serve) {
    const Ptr call(new UnaryCall(method, context, response));
    if (absl::Status read = call->Read(request, &call->request_); read.ok()) {
      serve(call);
    } else {
      call->Finish(read);
    }
    return call->reactor();
  }

  const Request& request() const { return request_; }
  // For whoever is done with it before the call ends: it is then freed there, and not where the call ends,
  // which is mostly the store's thread.
  Request TakeRequest() { return std::move(request_); }
  // To be filled by whoever answers, before Finish.
  Response& response() { return response_; }

 private:
  using BasicUnaryCall::BasicUnaryCall;
  const google::protobuf::MessageLite& Answer() const override { return response_; }

  Request request_;
  Response response_;
};

}  // namespace sluice
