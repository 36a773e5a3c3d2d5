// ContentUpload: one UploadContent stream, from its first message to the content that is here.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/store/content_store.h"
#include "server/front_door.h"
#include "server/rpc/rpc_method.h"
#include "server/rpc/stall_alarm.h"
#include "sluice/v1/library.pb.h"

namespace sluice {

struct ContentUploadParts {
  const RpcMethod* method = nullptr;
  ContentStore* contents = nullptr;  // null: NO_PARSER
  FrontDoor* door = nullptr;
  const Clock* clock = nullptr;
  absl::Duration upload_timeout;  // > 0; of the next whole message, or the stream's end
  std::string tenant;
};

// Owns itself until OnDone. A chain of steps, one at a time: read a piece, write it, read the next; so the
// disk's pace is the client's. Whatever ends it, what was written stays, and GetUpload tells how much.
class ContentUpload final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  // All in `parts`, and both pointers, outlive the call.
  ContentUpload(ContentUploadParts parts, grpc::CallbackServerContext* context, grpc::ByteBuffer* response);

  void OnReadDone(bool ok) override;
  void OnDone() override { delete this; }

 private:
  absl::Status Open();
  void Read();
  void TakePiece();
  absl::Status TakeHead();
  void Write();
  void EndOfStream();
  void End(const absl::Status& status);

  const ContentUploadParts parts_;
  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer* const response_;
  const absl::Duration started_;
  std::shared_ptr<StallAlarm> stall_;  // once admitted
  FrontDoor::Ticket ticket_;
  OpenCalls::Place place_;
  grpc::ByteBuffer piece_bytes_;
  v1::UploadContentRequest piece_;
  std::string sha256_;  // "" before the first message
  int64_t size_ = 0;
  int64_t offset_ = 0;  // of the next piece
  ContentState state_;
};

}  // namespace sluice
