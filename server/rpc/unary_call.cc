#include "server/rpc/unary_call.h"

#include "server/convert/wire.h"

namespace sluice {

BasicUnaryCall::BasicUnaryCall(const RpcMethod& method, grpc::CallbackServerContext& context,
                               grpc::ByteBuffer& response)
    : method_(method),
      context_(context),
      response_bytes_(response),
      reactor_(context.DefaultReactor()),
      started_(method.Start()) {}

absl::Status BasicUnaryCall::Read(const grpc::ByteBuffer& request, google::protobuf::Message* message) {
  request_bytes_ = static_cast<int64_t>(request.Length());
  place_ = method_.calls().Enter([weak = weak_from_this()](const absl::Status& status) {
    if (const std::shared_ptr<BasicUnaryCall> self = weak.lock()) self->Finish(status);
  });
  return method_.Read(request, message);
}

void BasicUnaryCall::Finish(const absl::Status& status) {
  if (finished_.exchange(true)) return;
  if (status.ok()) response_bytes_ = BytesOf(Answer());
  reactor_->Finish(method_.Finish(started_, status, context_));
}

}  // namespace sluice
