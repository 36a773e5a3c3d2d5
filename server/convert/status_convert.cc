#include "server/convert/status_convert.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/error_details.h"
#include "core/base/utf8_boundary.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace sluice {
namespace {

constexpr size_t kMaxMessageBytes = 1024;
// gRPC's default bound of all metadata is 8 KiB, and binary metadata travels as base64.
constexpr size_t kMaxDetailsBytes = 4096;

// What parsers of proto3 take: a message may quote a path or an operating system's words, which need not be
// UTF-8.
std::string TextOfWire(absl::string_view text) {
  return Shortened(RepairedUtf8(text), kMaxMessageBytes);
}

// As Any::PackFrom, which looks its type up by reflection each time: a door that refuses thousands of calls a
// second feels it.
template <typename Detail>
void AddDetail(const Detail& detail, google::rpc::Status* proto) {
  static const auto* const type_url =
      new std::string(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
  google::protobuf::Any* const added = proto->add_details();
  added->set_type_url(*type_url);
  detail.SerializeToString(added->mutable_value());
}

void AddBadRequest(const std::vector<FieldViolation>& violations, google::rpc::Status* proto) {
  google::rpc::BadRequest bad_request;
  for (const FieldViolation& violation : violations) {
    google::rpc::BadRequest::FieldViolation* added = bad_request.add_field_violations();
    added->set_field(TextOfWire(violation.field));
    added->set_description(TextOfWire(violation.description));
  }
  while (bad_request.ByteSizeLong() > kMaxDetailsBytes && bad_request.field_violations_size() > 1) {
    bad_request.mutable_field_violations()->RemoveLast();
  }
  AddDetail(bad_request, proto);
}

}  // namespace

void StatusToProto(const absl::Status& status, google::rpc::Status* proto) {
  proto->set_code(static_cast<int>(status.code()));
  proto->set_message(TextOfWire(status.message()));
  if (!status.ok()) {
    google::rpc::ErrorInfo info;
    const std::string reason = ReasonOf(status);
    info.set_reason(reason.empty() ? absl::StatusCodeToString(status.code()) : TextOfWire(reason));
    info.set_domain(std::string(kErrorDomain));
    AddDetail(info, proto);
  }
  if (const auto violations = FieldViolationsOf(status); !violations.empty())
    AddBadRequest(violations, proto);
  if (const auto delay = RetryDelayOf(status); delay.has_value()) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(*delay));
    const absl::Duration rest = *delay - absl::Seconds(absl::ToInt64Seconds(*delay));
    retry.mutable_retry_delay()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
    AddDetail(retry, proto);
  }
}

absl::Status StatusFromProto(const google::rpc::Status& proto) {
  absl::Status status(static_cast<absl::StatusCode>(proto.code()), proto.message());
  if (status.ok()) return status;
  google::rpc::BadRequest bad_request;
  google::rpc::ErrorInfo info;
  google::rpc::RetryInfo retry;
  // Violations first: they make a status of their own, to which the message and the rest are put back.
  for (const auto& detail : proto.details()) {
    if (!detail.Is<google::rpc::BadRequest>() || !detail.UnpackTo(&bad_request)) continue;
    std::vector<FieldViolation> violations;
    for (const auto& violation : bad_request.field_violations()) {
      violations.push_back({violation.field(), violation.description()});
    }
    const absl::Status with_fields = FieldErrors(violations);
    with_fields.ForEachPayload(
        [&](absl::string_view url, const absl::Cord& value) { status.SetPayload(url, value); });
  }
  for (const auto& detail : proto.details()) {
    if (detail.Is<google::rpc::ErrorInfo>() && detail.UnpackTo(&info)) {
      status = WithReason(std::move(status), info.reason());
    } else if (detail.Is<google::rpc::RetryInfo>() && detail.UnpackTo(&retry)) {
      status = WithRetryDelay(std::move(status), absl::Seconds(retry.retry_delay().seconds()) +
                                                     absl::Nanoseconds(retry.retry_delay().nanos()));
    }
  }
  return status;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  google::rpc::Status proto;
  StatusToProto(status, &proto);
  std::string details;
  if (proto.details_size() > 0) details = proto.SerializeAsString();
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), proto.message(), details);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status proto;
  if (status.error_details().empty() || !proto.ParseFromString(status.error_details())) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }
  return StatusFromProto(proto);
}

}  // namespace sluice
