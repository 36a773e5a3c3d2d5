#include "server/rpc/batch_watch.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/batches_convert.h"
#include "server/convert/time_convert.h"
#include "server/convert/wire.h"
#include "server/limits.h"
#include "server/rpc/deadline.h"

namespace sluice {
namespace {

constexpr absl::Duration kMaxInterval = absl::Minutes(1);

absl::StatusOr<absl::Duration> IntervalFromProto(const v1::WatchBatchRequest& request,
                                                 absl::Duration preset) {
  if (!request.has_min_interval()) return preset;
  const auto interval = DurationFromProto(request.min_interval());
  if (!interval.has_value() || *interval < absl::Milliseconds(kMinWatchIntervalMs) ||
      *interval > kMaxInterval) {
    return FieldError("min_interval", "must be from 20 ms to 1 minute");
  }
  return *interval;
}

absl::Status Draining() {
  return DrainingError("watch the batch again later");
}

absl::Status Unread(absl::Duration timeout) {
  return ClientStalled(
      absl::StrCat("no progress was read for ", absl::FormatDuration(timeout), ": watch the batch again"));
}

}  // namespace

BatchWatch::BatchWatch(BatchWatchParts parts, grpc::CallbackServerContext* context)
    : parts_(std::move(parts)),
      context_(context),
      started_(parts_.method->Start()),
      stall_(StallAlarm::Start(
          {.clock = parts_.clock,
           .timeout = parts_.reader_timeout,
           .status = Unread(parts_.reader_timeout),
           .on_cut = [this](const absl::Status& status) { FinishFrom({Phase::kWriting}, status); }},
          context)) {}

BatchWatch* BatchWatch::Start(BatchWatchParts parts, grpc::CallbackServerContext* context,
                              const grpc::ByteBuffer& request) {
  std::shared_ptr<BatchWatch> watch(new BatchWatch(std::move(parts), context));
  watch->self_ = watch;
  const absl::Status opened = watch->Open(request);
  opened.ok() ? watch->Read() : watch->FinishFrom({Phase::kReading}, opened);
  return watch.get();
}

absl::Status BatchWatch::Open(const grpc::ByteBuffer& bytes) {
  place_ = parts_.method->calls().Enter([weak = weak_from_this()](const absl::Status& status) {
    const std::shared_ptr<BatchWatch> self = weak.lock();
    if (self == nullptr) return;
    self->stall_->Cut(status);
    self->FinishFrom(kWaiting, status);
  });
  v1::WatchBatchRequest request;
  SLUICE_RETURN_IF_ERROR(parts_.method->Read(bytes, &request));
  SLUICE_ASSIGN_OR_RETURN(batch_id_, BatchIdFromName(request.name()));
  SLUICE_ASSIGN_OR_RETURN(ticket_, parts_.door->AdmitStream());
  SLUICE_ASSIGN_OR_RETURN(min_interval_, IntervalFromProto(request, min_interval_));
  // Before the first read, so that no change falls between.
  watch_ = std::make_unique<BatchChanges::Watch>(*parts_.changes, batch_id_,
                                                 [weak = weak_from_this()](BatchChange change) {
                                                   if (const std::shared_ptr<BatchWatch> self = weak.lock())
                                                     self->OnChanged(change);
                                                 });
  return absl::OkStatus();
}

void BatchWatch::OnChanged(BatchChange change) {
  if (change == BatchChange::kClosed) return FinishFrom(kWaiting, Draining());
  {
    MutexLock lock(mutex_);
    changed_ = true;
    ended_ |= change == BatchChange::kEnded;
    if (ended_ && phase_ == Phase::kAlarm && alarm_ != nullptr) return alarm_->Cancel();  // it rings now
    if (phase_ != Phase::kIdle) return;
    phase_ = Phase::kAlarm;
  }
  SetAlarm();
}

void BatchWatch::SetAlarm() {
  const absl::Duration left = last_write_ + min_interval_ - parts_.clock->MonotonicNow();
  MutexLock lock(mutex_);
  const absl::Duration wait = ended_ ? absl::ZeroDuration() : std::max(absl::ZeroDuration(), left);
  alarm_ = std::make_unique<grpc::Alarm>();
  alarm_->Set(DeadlineIn(wait), [weak = weak_from_this()](bool) {
    if (const std::shared_ptr<BatchWatch> self = weak.lock()) self->OnAlarm();
  });
}

void BatchWatch::OnAlarm() {
  {
    MutexLock lock(mutex_);
    if (phase_ != Phase::kAlarm) return;
    phase_ = Phase::kReading;
    changed_ = false;
  }
  Read();
}

void BatchWatch::Read() {
  parts_.catalog->GetBatch({parts_.tenant, batch_id_},
                           [self = shared_from_this()](absl::StatusOr<Batch> batch) {
                             if (!batch.ok()) return self->FinishFrom({Phase::kReading}, batch.status());
                             self->Write(*batch);
                           });
}

void BatchWatch::Write(const Batch& batch) {
  bool cancelled = false;
  {
    MutexLock lock(mutex_);
    cancelled = cancelled_;
    phase_ = Phase::kWriting;
  }
  if (cancelled) return FinishFrom({Phase::kWriting}, absl::CancelledError("cancelled"));
  const absl::Duration now = parts_.clock->MonotonicNow();
  last_write_ = now;
  finished_batch_ = IsTerminal(batch.state);
  rate_.Add(now, batch.counts.done());
  if (batch.plan_applied && !std::exchange(plan_applied_, true)) rate_.Restart();
  message_.Clear();
  if (absl::Status status = BatchToProto(batch, parts_.has_model, message_.mutable_batch()); !status.ok()) {
    return FinishFrom({Phase::kWriting}, status);
  }
  message_.set_jobs_per_second(rate_.JobsPerSecond());
  const auto time_left = rate_.TimeLeft(batch.counts.jobs - batch.counts.done());
  if (time_left.has_value() && !finished_batch_) DurationToProto(*time_left, message_.mutable_time_left());
  bytes_ = BytesOf(message_);
  if (stall_->Begin()) StartWrite(&bytes_);
}

void BatchWatch::OnWriteDone(bool ok) {
  if (!stall_->End()) return;
  if (!ok) return FinishFrom({Phase::kWriting}, absl::CancelledError("the stream was cut"));
  if (finished_batch_) return FinishFrom({Phase::kWriting}, absl::OkStatus());
  bool cancelled = false;
  bool again = false;
  {
    MutexLock lock(mutex_);
    cancelled = cancelled_;
    again = changed_;
    if (!cancelled) phase_ = again ? Phase::kAlarm : Phase::kIdle;
  }
  if (cancelled) return FinishFrom({Phase::kWriting}, absl::CancelledError("cancelled"));
  // Closed between: whoever closed it found no phase to end.
  if (parts_.changes->closed()) return FinishFrom(kWaiting, Draining());
  if (again) SetAlarm();
}

void BatchWatch::OnCancel() {
  {
    MutexLock lock(mutex_);
    cancelled_ = true;
  }
  FinishFrom(kWaiting, absl::CancelledError("cancelled"));
}

void BatchWatch::FinishFrom(std::initializer_list<Phase> phases, const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (!absl::c_linear_search(phases, phase_)) return;
    phase_ = Phase::kFinished;
  }
  Finish(parts_.method->Finish(started_, status, *context_));
}

void BatchWatch::OnDone() {
  const std::shared_ptr<BatchWatch> self = std::move(self_);
  watch_.reset();
}

}  // namespace sluice
