#include "server/rpc/rpc_method.h"

#include <string>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/status_convert.h"
#include "server/convert/wire.h"

namespace sluice {

RpcMethod::RpcMethod(const RpcShared& shared, absl::string_view service, absl::string_view method,
                     absl::string_view type)
    : clock_(shared.clock),
      refusals_(shared.refusals),
      calls_(shared.calls),
      metrics_(shared.metrics.RpcMethod(service, method, type)) {}

absl::Duration RpcMethod::Start() const {
  metrics_.started_total->Increment();
  return clock_.MonotonicNow();
}

absl::Status RpcMethod::Read(const grpc::ByteBuffer& request, google::protobuf::Message* message) const {
  SLUICE_RETURN_IF_ERROR(calls_.Arrive());
  grpc::ByteBuffer bytes = TakeBytes(request);
  return ParseMessage(bytes, message);
}

grpc::Status RpcMethod::Finish(absl::Duration started, const absl::Status& status,
                               grpc::CallbackServerContext& context) const {
  metrics_.handling_seconds->Observe(absl::ToDoubleSeconds(clock_.MonotonicNow() - started));
  metrics_.handled_total[static_cast<int>(status.code())]->Increment();
  const absl::Status settled = refusals_.Settle(status);
  if (const auto delay = RetryDelayOf(settled); delay.has_value()) {
    context.AddTrailingMetadata(kPushbackTrailer, std::to_string(absl::ToInt64Milliseconds(*delay)));
  }
  return ToGrpcStatus(settled);
}

grpc::ServerUnaryReactor* RpcMethod::Refuse(absl::Duration started, const absl::Status& status,
                                            grpc::CallbackServerContext& context) const {
  grpc::ServerUnaryReactor* reactor = context.DefaultReactor();
  reactor->Finish(Finish(started, status, context));
  return reactor;
}

absl::Status ServerBusy() {
  return WithRetryDelay(
      WithReason(absl::ResourceExhaustedError("the server has more requests at hand than it takes"),
                 "SERVER_BUSY"),
      absl::Seconds(1));
}

absl::Status ClientStalled(absl::string_view what) {
  return WithReason(absl::AbortedError(what), "CLIENT_STALLED");
}

}  // namespace sluice
