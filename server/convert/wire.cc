#include "server/convert/wire.h"

#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <string>
#include <utility>
#include <vector>

#include "core/base/error_details.h"
#include "server/convert/wire_faults.h"

namespace sluice {
namespace {

constexpr int kBlockBytes = 1 << 20;

bool Parses(grpc::ByteBuffer& bytes, google::protobuf::Message* message) {
  grpc::ProtoBufferReader reader(&bytes);
  return reader.status().ok() && message->ParseFromZeroCopyStream(&reader);
}

std::string Joined(const grpc::ByteBuffer& bytes) {
  std::vector<grpc::Slice> slices;
  std::string joined;
  joined.reserve(bytes.Length());
  if (!bytes.Dump(&slices).ok()) return joined;
  for (const grpc::Slice& slice : slices)
    joined.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  return joined;
}

}  // namespace

absl::Status ParseMessage(grpc::ByteBuffer& bytes, google::protobuf::Message* message) {
  if (!bytes.Valid()) {
    return WithReason(absl::InvalidArgumentError("the call ended before its request came"),
                      "MALFORMED_REQUEST");
  }
  absl::Status parsed;
  if (!Parses(bytes, message)) parsed = WhyUnreadable(*message->GetDescriptor(), Joined(bytes));
  bytes.Clear();
  return parsed;
}

grpc::ByteBuffer BytesOf(const google::protobuf::MessageLite& message) {
  grpc::ByteBuffer bytes;
  const auto size = static_cast<int>(message.ByteSizeLong());
  if (size == 0) {
    const grpc::Slice empty;
    return grpc::ByteBuffer(&empty, 1);
  }
  grpc::ProtoBufferWriter writer(&bytes, kBlockBytes, size);
  message.SerializeToZeroCopyStream(&writer);
  return bytes;
}

grpc::ByteBuffer TakeBytes(const grpc::ByteBuffer& request) {
  grpc::ByteBuffer taken;
  taken.Swap(&const_cast<grpc::ByteBuffer&>(request));  // its owner made it as a variable
  return taken;
}

}  // namespace sluice
