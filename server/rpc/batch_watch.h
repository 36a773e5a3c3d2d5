// BatchWatch: one WatchBatch call: the batch's progress now, and again when it changed, but not more often
// than the client asked for, except that it hears of the end at once. Ends with the batch, with UNAVAILABLE
// when the server drains, or with ABORTED when the client stops reading.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <initializer_list>
#include <memory>
#include <string>

#include "core/base/mutex.h"
#include "core/store/batch_catalog.h"
#include "server/batch_changes.h"
#include "server/front_door.h"
#include "server/progress_rate.h"
#include "server/rpc/rpc_method.h"
#include "server/rpc/stall_alarm.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

struct BatchWatchParts {
  const RpcMethod* method = nullptr;
  BatchCatalog* catalog = nullptr;
  BatchChanges* changes = nullptr;
  FrontDoor* door = nullptr;
  const Clock* clock = nullptr;
  absl::Duration reader_timeout;  // > 0; a client that reads nothing for so long is cut
  std::string tenant;
  bool has_model = false;
};

// Changes while an answer is on its way count as one. Keeps itself alive until OnDone; an alarm that rings
// after that finds nothing to do.
class BatchWatch final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                         public std::enable_shared_from_this<BatchWatch> {
 public:
  // All in `parts`, and `context`, outlive the call. The reactor to hand to gRPC; no ownership.
  static BatchWatch* Start(BatchWatchParts parts, grpc::CallbackServerContext* context,
                           const grpc::ByteBuffer& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // Whoever moves the phase on, under the mutex, acts; so each step happens once and Finish is the last.
  enum class Phase { kIdle, kAlarm, kReading, kWriting, kFinished };
  // The others end by themselves, and look then whether the call was cancelled or the server drains.
  static constexpr std::initializer_list<Phase> kWaiting = {Phase::kIdle, Phase::kAlarm};

  BatchWatch(BatchWatchParts parts, grpc::CallbackServerContext* context);
  absl::Status Open(const grpc::ByteBuffer& request);
  void OnChanged(BatchChange change);
  void OnAlarm();
  void Read();
  void Write(const Batch& batch);
  void SetAlarm();
  void FinishFrom(std::initializer_list<Phase> phases, const absl::Status& status);

  const BatchWatchParts parts_;
  grpc::CallbackServerContext* const context_;
  const absl::Duration started_;
  const std::shared_ptr<StallAlarm> stall_;
  std::shared_ptr<BatchWatch> self_;  // until OnDone
  FrontDoor::Ticket ticket_;
  OpenCalls::Place place_;
  std::unique_ptr<BatchChanges::Watch> watch_;
  std::string batch_id_;
  absl::Duration min_interval_ = absl::Milliseconds(200);

  // Touched only by the phase that is under way, one step after the other.
  ProgressRate rate_;
  absl::Duration last_write_ = -absl::InfiniteDuration();
  bool plan_applied_ = false;  // as of the last write
  bool finished_batch_ = false;
  v1::BatchProgress message_;
  grpc::ByteBuffer bytes_;  // of it, while it is written

  Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kReading;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // the batch: there is nothing to wait for
  // A new one each time: one must not be set again while it rings. It keeps its callback for as long as it
  // lives, which must not own this, therefore.
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
