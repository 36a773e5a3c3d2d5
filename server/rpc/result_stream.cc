#include "server/rpc/result_stream.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/batches_convert.h"
#include "server/convert/wire.h"

namespace sluice {

ResultStream::ResultStream(ResultStreamParts parts, grpc::CallbackServerContext* context)
    : parts_(std::move(parts)),
      context_(context),
      started_(parts_.method->Start()),
      stall_(StallAlarm::Start(
          {.clock = parts_.clock,
           .timeout = parts_.reader_timeout,
           .status = ClientStalled(absl::StrCat("no result was read for ",
                                                absl::FormatDuration(parts_.reader_timeout),
                                                ": go on after the last sequence that was read")),
           .on_cut = [this](const absl::Status& status) { FinishFrom(Phase::kWriting, status); }},
          context)) {}

ResultStream* ResultStream::Start(ResultStreamParts parts, grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer& request) {
  std::shared_ptr<ResultStream> stream(new ResultStream(std::move(parts), context));
  stream->self_ = stream;
  if (absl::Status opened = stream->Open(request); !opened.ok()) stream->FinishFrom(Phase::kOpening, opened);
  return stream.get();
}

absl::Status ResultStream::Open(const grpc::ByteBuffer& bytes) {
  place_ = parts_.method->calls().Enter([weak = weak_from_this()](const absl::Status& status) {
    const std::shared_ptr<ResultStream> self = weak.lock();
    if (self == nullptr) return;
    self->stall_->Cut(status);
    self->FinishFrom(Phase::kWaiting, status);
  });
  v1::StreamResultsRequest request;
  SLUICE_RETURN_IF_ERROR(parts_.method->Read(bytes, &request));
  SLUICE_ASSIGN_OR_RETURN(const std::string batch_id, BatchIdFromName(request.name()));
  if (request.after_sequence() < 0) {
    return FieldError("after_sequence", "is negative; 0 is the beginning");
  }
  parts_.catalog->GetBatch(
      {parts_.tenant, batch_id},
      [self = shared_from_this(), after_sequence = request.after_sequence()](absl::StatusOr<Batch> batch) {
        if (!batch.ok()) return self->FinishFrom(Phase::kOpening, batch.status());
        self->Subscribe(*batch, after_sequence);
      });
  return absl::OkStatus();
}

void ResultStream::Subscribe(const Batch& batch, int64_t after_sequence) {
  kind_ = batch.kind;
  absl::StatusOr<std::unique_ptr<FeedSubscription>> subscription =
      parts_.feed->Subscribe({batch.tenant, batch.id}, after_sequence);
  if (!subscription.ok()) return FinishFrom(Phase::kOpening, subscription.status());
  {
    MutexLock lock(mutex_);
    subscription_ = *std::move(subscription);
  }
  WaitForPage(Phase::kOpening);
}

void ResultStream::WaitForPage(Phase from) {
  std::shared_ptr<FeedSubscription> subscription;
  {
    MutexLock lock(mutex_);
    if (!cancelled_) {
      phase_ = Phase::kWaiting;
      subscription = subscription_;
    }
  }
  if (subscription == nullptr) return FinishFrom(from, absl::CancelledError("cancelled"));
  subscription->Next([weak = weak_from_this()](absl::StatusOr<FeedPage> page) {
    const std::shared_ptr<ResultStream> self = weak.lock();
    if (self == nullptr) return;
    const bool scheduled = self->parts_.executor->TrySchedule(
        [self, page = std::move(page)]() mutable { self->TakePage(std::move(page)); });
    if (!scheduled) self->FinishFrom(Phase::kWaiting, ServerBusy());
  });
}

void ResultStream::TakePage(absl::StatusOr<FeedPage> page) {
  if (!page.ok()) return FinishFrom(Phase::kWaiting, page.status());
  {
    MutexLock lock(mutex_);
    if (phase_ != Phase::kWaiting) return;
    phase_ = Phase::kWriting;
  }
  page_ = *std::move(page);
  next_outcome_ = 0;
  WriteNext();
}

void ResultStream::WriteNext() {
  if (next_outcome_ == page_.outcomes.size()) {
    if (page_.finished) return FinishFrom(Phase::kWriting, absl::OkStatus());
    return WaitForPage(Phase::kWriting);
  }
  const Outcome& outcome = page_.outcomes[next_outcome_++];
  message_.Clear();
  OutcomeToWire(kind_, outcome, &message_);
  grpc::WriteOptions options;
  // A page goes out together; but gRPC (1.51) may keep a first message so marked, its headers with it, for
  // ever.
  if (headers_sent_ && next_outcome_ < page_.outcomes.size()) options.set_buffer_hint();
  headers_sent_ = true;
  bytes_ = BytesOf(message_);
  if (stall_->Begin()) StartWrite(&bytes_, options);
}

void ResultStream::OnWriteDone(bool ok) {
  if (!stall_->End()) return;
  if (!ok) return FinishFrom(Phase::kWriting, absl::CancelledError("the stream was cut"));
  WriteNext();
}

void ResultStream::OnCancel() {
  {
    MutexLock lock(mutex_);
    cancelled_ = true;
  }
  FinishFrom(Phase::kWaiting, absl::CancelledError("cancelled"));
}

void ResultStream::FinishFrom(Phase from, const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (phase_ != from) return;
    phase_ = Phase::kFinished;
  }
  Finish(parts_.method->Finish(started_, status, *context_));
}

void ResultStream::OnDone() {
  // The subscription ends here and not in the destructor, which a late callback may put off beyond the feed's
  // life.
  const std::shared_ptr<ResultStream> self = std::move(self_);
  std::shared_ptr<FeedSubscription> ended;
  MutexLock lock(mutex_);
  ended.swap(subscription_);
}

}  // namespace sluice
