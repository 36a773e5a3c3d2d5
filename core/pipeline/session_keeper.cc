#include "core/pipeline/session_keeper.h"

#include <algorithm>
#include <utility>

#include "core/base/log.h"
#include "core/pipeline/store_call.h"

namespace sluice {
namespace {

constexpr absl::Duration kRenewRetry = absl::Seconds(1);
constexpr absl::Duration kOpenRetry = absl::Seconds(1);

}  // namespace

void SessionKeeper::Adopt(SessionId session, absl::Duration sent) {
  session_ = session;
  renewed_ = sent;
  context_.loop->After(context_.options.heartbeat_interval, [this, session] { Renew(session); });
  CheckAge(session);
  events_.opened();
}

std::optional<SessionId> SessionKeeper::session() {
  if (session_.has_value() && context_.loop->Now() - renewed_ > UsableFor()) Lose(*session_);
  return session_;
}

void SessionKeeper::Open() {
  if (closed_) return;
  const absl::Duration sent = context_.loop->Now();
  context_.parts.queue->OpenSession(
      context_.options.session_lease,
      context_.loop->Answer<absl::StatusOr<SessionId>>([this, sent](absl::StatusOr<SessionId> session) {
        if (closed_) return;
        if (session.ok()) return Adopt(*session, sent);
        context_.loop->After(kOpenRetry, [this] { Open(); });
      }));
}

void SessionKeeper::Renew(SessionId session) {
  if (session_ != session) return;
  const absl::Duration sent = context_.loop->Now();
  context_.parts.queue->Heartbeat(session, context_.options.session_lease,
                                  context_.loop->Answer<absl::StatusOr<HeartbeatReply>>(
                                      [this, session, sent](const absl::StatusOr<HeartbeatReply>& reply) {
                                        OnRenewed(session, sent, reply);
                                      }));
}

void SessionKeeper::OnRenewed(SessionId session, absl::Duration sent,
                              const absl::StatusOr<HeartbeatReply>& reply) {
  if (session_ != session) return;
  if (absl::IsFailedPrecondition(reply.status())) return Lose(session);
  const absl::Duration next = reply.ok() ? context_.options.heartbeat_interval
                                         : std::min(kRenewRetry, context_.options.heartbeat_interval);
  context_.loop->After(next, [this, session] { Renew(session); });
  if (!reply.ok()) return;
  renewed_ = sent;
  CheckAge(session);
  for (const std::string& batch_id : reply->cancelled_batches) events_.batch_cancelled(batch_id);
  events_.renewed(reply->leases);
}

void SessionKeeper::CheckAge(SessionId session) {
  const absl::Duration left = renewed_ + UsableFor() - context_.loop->Now();
  context_.loop->After(left + absl::Milliseconds(1), [this, session] {
    if (session_ == session && context_.loop->Now() - renewed_ > UsableFor()) Lose(session);
  });
}

void SessionKeeper::Lose(SessionId session) {
  if (session_ != session) return;
  Log(LogLevel::kWarning, "session ", session,
      " with the store is lost; its work is dropped and claimed again");
  session_.reset();
  events_.lost(session);
  Open();
}

void SessionKeeper::Close(Closure closed) {
  closed_ = true;
  if (!session_.has_value()) return std::move(closed)();
  context_.parts.queue->CloseSession(
      *std::exchange(session_, std::nullopt),
      context_.loop->Answer<absl::Status>(
          [closed = std::move(closed)](const absl::Status&) mutable { std::move(closed)(); }));
}

}  // namespace sluice
