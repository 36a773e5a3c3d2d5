// absl's times to protobuf's and back.
#pragma once

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <optional>

#include "absl/time/time.h"

namespace sluice {

void TimeToProto(absl::Time time, google::protobuf::Timestamp* proto);
void DurationToProto(absl::Duration duration, google::protobuf::Duration* proto);

// Nothing when outside what the message allows: years 1 to 9999, nanos below a second, signs that agree.
std::optional<absl::Time> TimeFromProto(const google::protobuf::Timestamp& proto);
std::optional<absl::Duration> DurationFromProto(const google::protobuf::Duration& proto);

}  // namespace sluice
