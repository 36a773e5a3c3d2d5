// SessionKeeper: this replica's session with the store, renewed while it lives and replaced when it is lost.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/pipeline/pipeline_context.h"

namespace sluice {

// A session is lost when the store says so, or by the worker's own rule: the last renewal that succeeded was
// *sent* more than four fifths of the lease ago (12 s of 15 s). The fence keeps results right either way; the
// rule only ends work early that would be discarded. Loop thread only.
class SessionKeeper {
 public:
  struct Events {
    std::function<void()> opened;
    std::function<void(SessionId session)> lost;
    std::function<void(const std::string& batch_id)> batch_cancelled;
    std::function<void(const std::vector<LeaseKey>& leases)> renewed;  // with all that the store has under it
  };

  // `context` must outlive it.
  SessionKeeper(PipelineContext& context, Events events) : context_(context), events_(std::move(events)) {}

  // Keeps `session`, opened by a call sent at `sent`.
  void Adopt(SessionId session, absl::Duration sent);

  // The session to use now; none while it is being replaced.
  std::optional<SessionId> session();

  // The store said that `session` is dead. Does nothing for one that was replaced already.
  void Lose(SessionId session);

  // Ends the session for good; `closed` is called when the store answered.
  void Close(Closure closed);

 private:
  void Open();
  void Renew(SessionId session);
  void OnRenewed(SessionId session, absl::Duration sent, const absl::StatusOr<HeartbeatReply>& reply);
  void CheckAge(SessionId session);
  absl::Duration UsableFor() const { return context_.options.session_lease * 4 / 5; }

  PipelineContext& context_;
  const Events events_;
  std::optional<SessionId> session_;
  absl::Duration renewed_ = absl::ZeroDuration();  // when the last successful renewal was sent
  bool closed_ = false;
};

}  // namespace sluice
