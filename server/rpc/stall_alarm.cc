#include "server/rpc/stall_alarm.h"

#include <grpc/grpc.h>
#include <grpcpp/server_context.h>

#include <utility>

#include "server/convert/status_convert.h"
#include "server/rpc/deadline.h"

namespace sluice {

std::shared_ptr<StallAlarm> StallAlarm::Start(Options options, grpc::CallbackServerContext* context) {
  std::shared_ptr<StallAlarm> alarm(new StallAlarm(std::move(options), context));
  alarm->SetAlarm(alarm->options_.timeout);
  return alarm;
}

bool StallAlarm::Begin() {
  absl::Status status;
  {
    MutexLock lock(mutex_);
    if (!cut_.has_value()) {
      began_ = options_.clock->MonotonicNow();
      return true;
    }
    status = *cut_;
  }
  options_.on_cut(status);
  return false;
}

bool StallAlarm::End() {
  {
    MutexLock lock(mutex_);
    began_.reset();
    if (!cut_.has_value()) return true;
  }
  if (options_.turn == Turn::kWriting) EndHalf();
  return false;
}

void StallAlarm::Cut(const absl::Status& status) {
  {
    MutexLock lock(mutex_);
    if (cut_.has_value()) return;
    cut_ = status;
    if (!began_.has_value()) return;
  }
  Break(status);
}

void StallAlarm::SetAlarm(absl::Duration wait) {
  // A new one each time: an alarm must not be set again while it rings.
  alarm_ = std::make_unique<grpc::Alarm>();
  alarm_->Set(DeadlineIn(wait), [weak = weak_from_this()](bool rang) {
    const std::shared_ptr<StallAlarm> self = rang ? weak.lock() : nullptr;
    if (self != nullptr) self->OnAlarm();
  });
}

void StallAlarm::OnAlarm() {
  absl::Duration wait = options_.timeout;
  {
    MutexLock lock(mutex_);
    if (cut_.has_value()) return;
    if (began_.has_value()) wait -= options_.clock->MonotonicNow() - *began_;
    if (wait <= absl::ZeroDuration()) cut_ = options_.status;
  }
  if (wait > absl::ZeroDuration()) return SetAlarm(wait);
  Break(options_.status);
}

void StallAlarm::Break(const absl::Status& status) {
  if (options_.turn == Turn::kReading) return options_.on_cut(status);
  const grpc::Status told = ToGrpcStatus(status);
  grpc_call_cancel_with_status(context_->c_call(), static_cast<grpc_status_code>(told.error_code()),
                               told.error_message().c_str(), nullptr);
  EndHalf();
}

void StallAlarm::EndHalf() {
  const std::shared_ptr<StallAlarm> self = shared_from_this();  // Finish may let the reactor go
  absl::Status status;
  {
    MutexLock lock(mutex_);
    if (!std::exchange(half_ended_, true)) return;
    status = *cut_;
  }
  options_.on_cut(status);
}

}  // namespace sluice
