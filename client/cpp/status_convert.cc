#include "client/cpp/status_convert.h"

#include <cstdint>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "core/base/error_details.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace sluice {
namespace {

absl::Status WithViolations(absl::Status status, const google::rpc::BadRequest& bad_request) {
  std::vector<FieldViolation> violations;
  for (const auto& violation : bad_request.field_violations()) {
    violations.push_back({violation.field(), violation.description()});
  }
  FieldErrors(violations).ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    status.SetPayload(type, payload);
  });
  return status;
}

absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Status WithPushback(absl::Status status, const grpc::ClientContext& context) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("grpc-retry-pushback-ms");
  if (found == trailers.end()) return status;
  int64_t milliseconds = 0;
  const absl::string_view text(found->second.data(), found->second.size());
  if (!absl::SimpleAtoi(text, &milliseconds) || milliseconds < 0) return status;
  return WithRetryDelay(std::move(status), absl::Milliseconds(milliseconds));
}

}  // namespace

absl::Status FromGrpcStatus(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.ok()) return absl::OkStatus();
  absl::Status out(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status detailed;
  if (detailed.ParseFromString(status.error_details())) {
    for (const auto& detail : detailed.details()) {
      google::rpc::ErrorInfo error_info;
      google::rpc::BadRequest bad_request;
      google::rpc::RetryInfo retry_info;
      if (detail.Is<google::rpc::ErrorInfo>() && detail.UnpackTo(&error_info)) {
        // A server that has no more exact reason names the code.
        if (error_info.reason() != absl::StatusCodeToString(out.code()))
          out = WithReason(std::move(out), error_info.reason());
      } else if (detail.Is<google::rpc::BadRequest>() && detail.UnpackTo(&bad_request)) {
        out = WithViolations(std::move(out), bad_request);
      } else if (detail.Is<google::rpc::RetryInfo>() && detail.UnpackTo(&retry_info)) {
        out = WithRetryDelay(std::move(out), DurationOf(retry_info.retry_delay()));
      }
    }
  }
  return RetryDelayOf(out).has_value() ? out : WithPushback(std::move(out), context);
}

}  // namespace sluice
