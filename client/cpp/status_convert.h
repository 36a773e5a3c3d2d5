// From a gRPC status to an absl::Status with everything the server said: reason, field violations, retry
// delay.
#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace sluice {

// Reads google.rpc.ErrorInfo, BadRequest and RetryInfo from grpc-status-details-bin, and, where RetryInfo is
// absent, the grpc-retry-pushback-ms trailer of `context`, whose call must be finished. Details it cannot
// read are left out.
absl::Status FromGrpcStatus(const grpc::Status& status, const grpc::ClientContext& context);

}  // namespace sluice
