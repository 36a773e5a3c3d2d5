// Statuses as they travel: absl::Status with error details to grpc::Status with google.rpc details, and back.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace google::rpc {
class Status;
}

namespace sluice {

// ErrorInfo.domain of every error of ours.
inline constexpr absl::string_view kErrorDomain = "sluice";

// The trailer that tells gRPC's own retry logic when to come again, in milliseconds.
inline constexpr char kPushbackTrailer[] = "grpc-retry-pushback-ms";

// Code, message, and details: ErrorInfo (the reason is the code's name where the status has none),
// BadRequest, RetryInfo.
void StatusToProto(const absl::Status& status, google::rpc::Status* proto);
absl::Status StatusFromProto(const google::rpc::Status& proto);

// The same with the details in grpc-status-details-bin. Details are cut, last violation first, to fit the 8
// KiB that gRPC allows for metadata; a message over 1 KiB is cut too.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace sluice
