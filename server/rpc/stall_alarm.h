// StallAlarm: cuts a stream on which the server has waited too long for the client to do its part: to read
// what is written, or to send what is read.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace sluice {

// Thread-safe. Owned by the stream's reactor, from the beginning to OnDone; an alarm that rings later finds
// nothing to do. A call is cut by cancelling it with ABORTED and a message, not by Finish, which would wait
// behind the write that nobody reads. That ends the operation the server waits for, too, and `on_cut` is then
// called once, in place of all that would have followed: it is to Finish the call.
class StallAlarm : public std::enable_shared_from_this<StallAlarm> {
 public:
  struct Options {
    const Clock* clock = nullptr;
    absl::Duration timeout;  // > 0
    std::string message;     // for the client: what it did not do, and how it goes on
    std::function<void()> on_cut;
  };

  // `context` outlives what is waited for.
  static std::shared_ptr<StallAlarm> Start(Options options, grpc::CallbackServerContext* context);

  // Right before an operation that the client lets end: it is the client's turn.
  void Begin();

  // In the operation's OnReadDone or OnWriteDone. False when the call is cut: do nothing more.
  [[nodiscard]] bool End();

 private:
  StallAlarm(Options options, grpc::CallbackServerContext* context)
      : options_(std::move(options)), context_(context) {}
  void SetAlarm(absl::Duration wait);
  void OnAlarm();
  // Of the cut and the operation that it ends, the second to return tells the reactor.
  void EndHalf();

  const Options options_;
  grpc::CallbackServerContext* const context_;
  std::unique_ptr<grpc::Alarm> alarm_;  // touched where it is first set, then where it rings

  Mutex mutex_;
  std::optional<absl::Duration> began_ ABSL_GUARDED_BY(mutex_);  // what is waited for
  bool cut_ ABSL_GUARDED_BY(mutex_) = false;
  bool half_ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
