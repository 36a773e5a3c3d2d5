// RpcMethod: what every call of every service does alike: it is counted and timed, refused once the server
// has no more time for it, and its end carries our error details.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/metrics/service_metrics.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/refusals.h"

namespace sluice {

// What all methods need.
struct RpcShared {
  ServiceMetrics& metrics;
  const Clock& clock;
  const Refusals& refusals;
  OpenCalls& calls;
};

// One method's series. Thread-safe; outlives its calls.
class RpcMethod {
 public:
  // `type` as in ServiceMetrics::RpcMethod. What `shared` refers to must outlive it.
  RpcMethod(const RpcShared& shared, absl::string_view service, absl::string_view method,
            absl::string_view type);

  // Counts a call as started; the answer is for Finish.
  absl::Duration Start() const;

  // Parses a call's request, right after Start. Errors as OpenCalls::Arrive and ParseMessage, which a call
  // that is decided on before it is decoded asks itself.
  absl::Status Read(const grpc::ByteBuffer& request, google::protobuf::Message* message) const;

  OpenCalls& calls() const { return calls_; }

  // Counts and times its end, a refusal by its reason too; the answer is what to finish the call with:
  // details in the status, and the pushback trailer in `context` when the status says when to come again.
  grpc::Status Finish(absl::Duration started, const absl::Status& status,
                      grpc::CallbackServerContext& context) const;

  // Ends a unary call within its handler, which returns the answer. gRPC runs the default reactor's end where
  // it is, any other's on another thread: too dear for a door that refuses thousands of calls a second.
  grpc::ServerUnaryReactor* Refuse(absl::Duration started, const absl::Status& status,
                                   grpc::CallbackServerContext& context) const;

 private:
  const Clock& clock_;
  const Refusals& refusals_;
  OpenCalls& calls_;
  RpcMethodMetrics metrics_;
};

// RESOURCE_EXHAUSTED (reason SERVER_BUSY), for when the executor takes no more.
absl::Status ServerBusy();

// ABORTED (reason CLIENT_STALLED), for when a client does not do its part of a stream.
absl::Status ClientStalled(absl::string_view what);

}  // namespace sluice
