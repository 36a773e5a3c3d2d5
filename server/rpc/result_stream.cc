#include "server/rpc/result_stream.h"

#include <grpc/grpc.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "server/convert/batches_convert.h"

namespace sluice {

ResultStream::ResultStream(ResultStreamParts parts, grpc::CallbackServerContext* context)
    : parts_(std::move(parts)), context_(context), started_(parts_.method->Start()) {}

ResultStream* ResultStream::Start(ResultStreamParts parts, grpc::CallbackServerContext* context,
                                  const v1::StreamResultsRequest& request) {
  std::shared_ptr<ResultStream> stream(new ResultStream(std::move(parts), context));
  stream->self_ = stream;
  stream->Open(request);
  return stream.get();
}

void ResultStream::Open(const v1::StreamResultsRequest& request) {
  absl::StatusOr<std::string> batch_id = BatchIdFromName(request.name());
  if (!batch_id.ok()) return FinishFrom(Phase::kOpening, batch_id.status());
  if (request.after_sequence() < 0) {
    return FinishFrom(Phase::kOpening, FieldError("after_sequence", "is negative; 0 is the beginning"));
  }
  parts_.store->GetBatch(
      parts_.tenant, *batch_id,
      [self = shared_from_this(), after_sequence = request.after_sequence()](absl::StatusOr<Batch> batch) {
        if (!batch.ok()) return self->FinishFrom(Phase::kOpening, batch.status());
        self->Subscribe(*batch, after_sequence);
      });
}

void ResultStream::Subscribe(const Batch& batch, int64_t after_sequence) {
  kind_ = batch.kind;
  absl::StatusOr<std::unique_ptr<FeedSubscription>> subscription =
      parts_.feed->Subscribe(parts_.tenant, batch.id, after_sequence);
  if (!subscription.ok()) return FinishFrom(Phase::kOpening, subscription.status());
  {
    MutexLock lock(mutex_);
    subscription_ = *std::move(subscription);
  }
  SetAlarm(parts_.reader_timeout);
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
  {
    MutexLock lock(mutex_);
    write_began_ = parts_.clock->MonotonicNow();
  }
  StartWrite(&message_, options);
}

void ResultStream::SetAlarm(absl::Duration wait) {
  // A new one each time: an alarm must not be set again while it rings.
  alarm_ = std::make_unique<grpc::Alarm>();
  alarm_->Set(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(wait),
              [weak = weak_from_this()](bool rang) {
                const std::shared_ptr<ResultStream> self = rang ? weak.lock() : nullptr;
                if (self != nullptr) self->OnAlarm();
              });
}

void ResultStream::OnAlarm() {
  absl::Duration wait = parts_.reader_timeout;
  {
    MutexLock lock(mutex_);
    if (phase_ == Phase::kFinished) return;
    if (phase_ == Phase::kWriting && write_began_.has_value())
      wait -= parts_.clock->MonotonicNow() - *write_began_;
    if (wait <= absl::ZeroDuration()) phase_ = Phase::kCutting;
  }
  if (wait > absl::ZeroDuration()) return SetAlarm(wait);
  // Not Finish, which would wait behind the write that nobody reads.
  const std::string why = absl::StrCat("no result was read for ", absl::FormatDuration(parts_.reader_timeout),
                                       ": go on after the last sequence that was read");
  grpc_call_cancel_with_status(context_->c_call(), GRPC_STATUS_ABORTED, why.c_str(), nullptr);
  EndCut();
}

void ResultStream::EndCut() {
  {
    MutexLock lock(mutex_);
    if (!std::exchange(cut_half_ended_, true)) return;
    phase_ = Phase::kFinished;
  }
  Finish(
      parts_.method->Finish(started_, absl::AbortedError("the reader took nothing for too long"), *context_));
}

void ResultStream::OnWriteDone(bool ok) {
  bool cut = false;
  {
    MutexLock lock(mutex_);
    write_began_.reset();
    cut = phase_ == Phase::kCutting;
  }
  if (cut) return EndCut();
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
