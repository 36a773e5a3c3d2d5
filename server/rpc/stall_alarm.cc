#include "server/rpc/stall_alarm.h"

#include <grpc/grpc.h>
#include <grpcpp/server_context.h>

#include <chrono>
#include <utility>

namespace sluice {

std::shared_ptr<StallAlarm> StallAlarm::Start(Options options, grpc::CallbackServerContext* context) {
  std::shared_ptr<StallAlarm> alarm(new StallAlarm(std::move(options), context));
  alarm->SetAlarm(alarm->options_.timeout);
  return alarm;
}

void StallAlarm::Begin() {
  MutexLock lock(mutex_);
  began_ = options_.clock->MonotonicNow();
}

bool StallAlarm::End() {
  {
    MutexLock lock(mutex_);
    began_.reset();
    if (!cut_) return true;
  }
  EndHalf();
  return false;
}

void StallAlarm::SetAlarm(absl::Duration wait) {
  // A new one each time: an alarm must not be set again while it rings.
  alarm_ = std::make_unique<grpc::Alarm>();
  alarm_->Set(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(wait),
              [weak = weak_from_this()](bool rang) {
                const std::shared_ptr<StallAlarm> self = rang ? weak.lock() : nullptr;
                if (self != nullptr) self->OnAlarm();
              });
}

void StallAlarm::OnAlarm() {
  absl::Duration wait = options_.timeout;
  {
    MutexLock lock(mutex_);
    if (began_.has_value()) wait -= options_.clock->MonotonicNow() - *began_;
    cut_ = wait <= absl::ZeroDuration();
  }
  if (wait > absl::ZeroDuration()) return SetAlarm(wait);
  grpc_call_cancel_with_status(context_->c_call(), GRPC_STATUS_ABORTED, options_.message.c_str(), nullptr);
  EndHalf();
}

void StallAlarm::EndHalf() {
  const std::shared_ptr<StallAlarm> self = shared_from_this();  // Finish may let the reactor go
  {
    MutexLock lock(mutex_);
    if (!std::exchange(half_ended_, true)) return;
  }
  options_.on_cut();
}

}  // namespace sluice
