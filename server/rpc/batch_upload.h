// BatchUpload: one UploadBatch stream, from its first message to the sealed batch.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/executor.h"
#include "core/store/batch_catalog.h"
#include "server/convert/request_digest.h"
#include "server/front_door.h"
#include "server/rpc/rpc_method.h"
#include "server/rpc/stall_alarm.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

struct BatchUploadParts {
  const RpcMethod* method = nullptr;
  BatchCatalog* catalog = nullptr;
  FrontDoor* door = nullptr;
  Executor* executor = nullptr;  // for checking parts
  const Clock* clock = nullptr;
  absl::Duration upload_timeout;  // > 0; of the next whole message, or the stream's end
  bool has_model = false;
  bool has_parser = false;
  std::string tenant;
};

// Owns itself until OnDone. A chain of steps, one at a time: read a part, check it, append it, read the next;
// so the store's pace is the client's. Sealed when the stream ends after a message marked `last`; abandoned
// when it ends before, on any error, when the client sends nothing for too long, which ends with ABORTED, and
// when a drain finds it waiting for its client.
class BatchUpload final : public grpc::ServerReadReactor<grpc::ByteBuffer> {
 public:
  // All in `parts`, and both pointers, outlive the call.
  BatchUpload(BatchUploadParts parts, grpc::CallbackServerContext* context, grpc::ByteBuffer* response);

  void OnReadDone(bool ok) override;
  void OnDone() override { delete this; }

 private:
  absl::Status Open();
  void Read();
  void Schedule(void (BatchUpload::*step)());
  void TakePart();
  void Begin();
  void Append();
  void ReadNext();
  void EndOfStream();
  void Fail(absl::Status status);
  void EndWith(const Batch& batch);
  void End(const absl::Status& status);
  BatchKey upload() const { return {parts_.tenant, batch_id_}; }

  const BatchUploadParts parts_;
  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer* const response_;
  const absl::Duration started_;
  std::shared_ptr<StallAlarm> stall_;  // once admitted
  FrontDoor::Ticket upload_ticket_;
  FrontDoor::Ticket part_ticket_;
  OpenCalls::Place place_;
  grpc::ByteBuffer part_bytes_;
  v1::UploadBatchRequest part_;
  RequestDigest digest_;
  bool may_repeat_ = false;       // it has a request_id: its content counts
  std::string batch_id_;          // "" before the first message
  absl::Duration expires_after_;  // of the first message
  JobKind kind_ = JobKind::kScreen;
  int64_t jobs_ = 0;
  bool complete_ = false;  // the last message came
};

}  // namespace sluice
