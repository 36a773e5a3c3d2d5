// RpcMethod and UnaryCall: what every call of every service does alike: it is counted and timed, and its end
// carries our error details.
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/metrics/service_metrics.h"
#include "server/rpc/refusals.h"

namespace sluice {

// What all methods need.
struct RpcShared {
  ServiceMetrics& metrics;
  const Clock& clock;
  const Refusals& refusals;
};

// One method's series. Thread-safe; outlives its calls.
class RpcMethod {
 public:
  // `type` as in ServiceMetrics::RpcMethod. What `shared` refers to must outlive it.
  RpcMethod(const RpcShared& shared, absl::string_view service, absl::string_view method,
            absl::string_view type);

  // Counts a call as started; the answer is for Finish.
  absl::Duration Start() const;

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
  RpcMethodMetrics metrics_;
};

// A unary call in progress: a small value to capture in callbacks. Finish exactly once, from any thread; the
// request, the response and the context live until then.
class UnaryCall {
 public:
  UnaryCall(const RpcMethod& method, grpc::CallbackServerContext& context)
      : method_(&method), context_(&context), reactor_(context.DefaultReactor()), started_(method.Start()) {}

  void Finish(const absl::Status& status) const {
    reactor_->Finish(method_->Finish(started_, status, *context_));
  }

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }

 private:
  const RpcMethod* method_;
  grpc::CallbackServerContext* context_;
  grpc::ServerUnaryReactor* reactor_;
  absl::Duration started_;
};

// RESOURCE_EXHAUSTED (reason SERVER_BUSY), for when the executor takes no more.
absl::Status ServerBusy();

}  // namespace sluice
