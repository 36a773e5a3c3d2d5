// ResultStream: one StreamResults call over a subscription of the result feed.
#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/results/result_feed.h"
#include "server/rpc/rpc_method.h"
#include "server/rpc/stall_alarm.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

struct ResultStreamParts {
  const RpcMethod* method = nullptr;
  BatchCatalog* catalog = nullptr;
  ResultFeed* feed = nullptr;
  Executor* executor = nullptr;  // starts the writing of a page: the store's thread does not
  const Clock* clock = nullptr;
  absl::Duration reader_timeout;  // > 0; a reader that takes nothing for so long is cut
  std::string tenant;
};

// One write in flight; the next page is asked for only after the last outcome of this one was written, so a
// slow reader holds one page, and one that stopped does not hold it for long: the call ends with ABORTED, and
// the reader may come back with the last sequence it saw. Keeps itself alive until OnDone; callbacks of the
// feed keep it alive too.
class ResultStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>,
                           public std::enable_shared_from_this<ResultStream> {
 public:
  // All in `parts`, and `context`, outlive the call. The reactor to hand to gRPC; no ownership.
  static ResultStream* Start(ResultStreamParts parts, grpc::CallbackServerContext* context,
                             const grpc::ByteBuffer& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // Whoever moves the phase on, under the mutex, acts; so each step happens once and Finish is the last.
  enum class Phase { kOpening, kWaiting, kWriting, kFinished };

  ResultStream(ResultStreamParts parts, grpc::CallbackServerContext* context);
  absl::Status Open(const grpc::ByteBuffer& bytes);
  void Subscribe(const Batch& batch, int64_t after_sequence);
  void WaitForPage(Phase from);
  void TakePage(absl::StatusOr<FeedPage> page);
  void WriteNext();
  // Ends the call if its phase is `from`.
  void FinishFrom(Phase from, const absl::Status& status);

  const ResultStreamParts parts_;
  grpc::CallbackServerContext* const context_;
  const absl::Duration started_;
  const std::shared_ptr<StallAlarm> stall_;
  OpenCalls::Place place_;
  std::shared_ptr<ResultStream> self_;  // until OnDone
  JobKind kind_ = JobKind::kScreen;

  // Touched only by the phase kWriting, which is one step at a time.
  FeedPage page_;
  size_t next_outcome_ = 0;
  bool headers_sent_ = false;
  v1::JobResult message_;
  grpc::ByteBuffer bytes_;  // of it, while it is written

  Mutex mutex_;
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kOpening;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  // Shared with a Next that is being called while the call ends.
  std::shared_ptr<FeedSubscription> subscription_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace sluice
