// Messages as gRPC carries them. The services take requests as bytes and parse them here: gRPC (1.51) answers
// one that it cannot parse itself with UNIMPLEMENTED and not a word, and without asking us.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/support/byte_buffer.h>

#include <cstdint>

#include "absl/status/status.h"

namespace sluice {

// Empties `bytes`. INVALID_ARGUMENT as WhyUnreadable when they are no such message, or when there are none at
// all: a call may end without one.
absl::Status ParseMessage(grpc::ByteBuffer& bytes, google::protobuf::Message* message);

grpc::ByteBuffer BytesOf(const google::protobuf::MessageLite& message);

// The same bytes to be emptied. gRPC hands a call's request over as const and keeps it until the call has
// ended; what was parsed need not be held twice for as long.
grpc::ByteBuffer TakeBytes(const grpc::ByteBuffer& request);

}  // namespace sluice
