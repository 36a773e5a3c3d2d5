// What is wrong with bytes that do not parse as a message: the parser only says that they do not.
#pragma once

#include <google/protobuf/descriptor.h>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sluice {

// INVALID_ARGUMENT. Texts that are not UTF-8 are named as field violations, up to kMaxFieldViolations of them
// (reason NOT_UTF8); else the field at which the bytes cannot be read on (reason MALFORMED_REQUEST). Nothing
// that was sent is quoted. Reads `bytes` once; pure.
absl::Status WhyUnreadable(const google::protobuf::Descriptor& type, absl::string_view bytes);

}  // namespace sluice
