// StallAlarm: cuts a stream on which the server has waited too long for the client to do its part: to read
// what is written, or to send what is read.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/mutex.h"

namespace sluice {

// Thread-safe. Owned by the stream's reactor, from the beginning to OnDone; an alarm that rings later finds
// nothing to do. `on_cut` is called once, in place of all that would have followed, and is to finish the
// call.
//
// A read that waits does not keep a Finish waiting. A write does, and nobody reads it: so there the call is
// first cancelled with the status, whose details gRPC then leaves out, and the reactor is told when the write
// has ended, too.
class StallAlarm : public std::enable_shared_from_this<StallAlarm> {
 public:
  enum class Turn { kReading, kWriting };  // what the server waits for the client in

  struct Options {
    const Clock* clock = nullptr;
    Turn turn = Turn::kWriting;
    absl::Duration timeout;  // > 0
    absl::Status status;     // for the client: what it did not do, and how it goes on
    std::function<void(const absl::Status&)> on_cut;
  };

  // `context` outlives what is waited for.
  static std::shared_ptr<StallAlarm> Start(Options options, grpc::CallbackServerContext* context);

  // Right before an operation that the client lets end: it is the client's turn. False when the call is cut:
  // do not begin it.
  [[nodiscard]] bool Begin();

  // In the operation's OnReadDone or OnWriteDone. False when the call is cut: do nothing more.
  [[nodiscard]] bool End();

  // Cuts the call with `status`, at once where it is the client's turn, else when that would be next.
  void Cut(const absl::Status& status);

 private:
  StallAlarm(Options options, grpc::CallbackServerContext* context)
      : options_(std::move(options)), context_(context) {}
  void SetAlarm(absl::Duration wait);
  void OnAlarm();
  void Break(const absl::Status& status);
  // Of the cut and the operation that it ends, the second to return tells the reactor.
  void EndHalf();

  const Options options_;
  grpc::CallbackServerContext* const context_;
  std::unique_ptr<grpc::Alarm> alarm_;  // touched where it is first set, then where it rings

  Mutex mutex_;
  std::optional<absl::Duration> began_ ABSL_GUARDED_BY(mutex_);  // what is waited for
  std::optional<absl::Status> cut_ ABSL_GUARDED_BY(mutex_);
  bool half_ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
