#include "server/net/connection_acceptor.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "core/base/log.h"

namespace sluice {
namespace {

constexpr int kTakenAtOnce = 64;  // of one address, before the others and Stop are looked at
constexpr absl::Duration kRecount = absl::Seconds(1);
constexpr absl::Duration kRecountWhenFull = absl::Milliseconds(50);  // a recount is a call a connection
constexpr absl::Duration kPauseWithoutDescriptors = absl::Milliseconds(100);
constexpr absl::Duration kComplainEvery = absl::Minutes(1);

bool OutOfResources(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

SocketAddress FirstOf(const ListeningSockets& sockets) {
  return sockets.descriptors().empty() ? SocketAddress() : LocalAddress(sockets.descriptors().front());
}

}  // namespace

ConnectionAcceptor::ConnectionAcceptor(const Options& options, ListeningSockets sockets, Take take)
    : options_(options),
      sockets_(std::move(sockets)),
      first_(FirstOf(sockets_)),
      take_(std::move(take)),
      thread_("accept", [this] { Run(); }, ThreadPriority::kUnhurried) {}

void ConnectionAcceptor::Expect(const SocketAddress& peer) {
  MutexLock lock(mutex_);
  expected_ = peer.Name();
}

bool ConnectionAcceptor::IsExpected(const SocketAddress& peer) const {
  const std::string name = peer.Name();
  MutexLock lock(mutex_);
  return !name.empty() && name == expected_;
}

void ConnectionAcceptor::Stop() {
  stopped_ = true;
  wake_.Wake();
  thread_.Join();
  sockets_.Close();
}

void ConnectionAcceptor::Run() {
  std::vector<pollfd> waits = {{.fd = wake_.descriptor(), .events = POLLIN, .revents = 0}};
  for (const int listener : sockets_.descriptors()) waits.push_back({listener, POLLIN, 0});
  bool has_descriptors = true;
  while (!stopped_) {
    // Without descriptors those that wait would wake it at once: it looks again after a pause.
    const nfds_t watched = has_descriptors ? waits.size() : 1;
    const absl::Duration longest = has_descriptors ? kRecount : kPauseWithoutDescriptors;
    poll(waits.data(), watched, static_cast<int>(absl::ToInt64Milliseconds(longest)));
    has_descriptors = true;
    for (size_t i = 1; i < waits.size() && !stopped_; ++i) {
      has_descriptors = TakeFrom(waits[i].fd) && has_descriptors;
    }
    if (Clock::Real().MonotonicNow() - counted_at_ >= kRecount) {
      counted_at_ = Clock::Real().MonotonicNow();
      const size_t open = open_.Recount();
      if (options_.metrics.open != nullptr) options_.metrics.open->Set(static_cast<double>(open));
    }
  }
}

bool ConnectionAcceptor::TakeFrom(int listener) {
  for (int taken = 0; taken < kTakenAtOnce; ++taken) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection >= 0) {
      HandOn(listener, connection);
      continue;
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) return true;
    if (!OutOfResources(error)) continue;  // of that connection alone: it is gone
    if (Clock::Real().MonotonicNow() - complained_at_ > kComplainEvery) {
      complained_at_ = Clock::Real().MonotonicNow();
      Log(LogLevel::kError, "no connection can be accepted on ", address(), ": ", std::strerror(error),
          "; trying on");
    }
    return false;
  }
  return true;
}

bool ConnectionAcceptor::HasRoom() {
  const auto most = static_cast<size_t>(options_.max_connections);
  if (open_.AtMost() < most) return true;
  const absl::Duration now = Clock::Real().MonotonicNow();
  if (now - counted_at_ < kRecountWhenFull) return false;
  counted_at_ = now;
  return open_.Recount() < most;
}

void ConnectionAcceptor::HandOn(int listener, int connection) {
  const SocketAddress peer = PeerAddress(connection);
  if (peer.size == 0) {
    // It came and went. gRPC would write a line about each to standard error, and wait where nobody reads
    // that.
    close(connection);
    return;
  }
  PrepareDescriptor(connection);
  SendAtOnce(connection);
  if (!IsExpected(peer)) {
    if (!HasRoom()) {
      if (options_.metrics.refused_total != nullptr) options_.metrics.refused_total->Increment();
      close(connection);
      return;
    }
    open_.Add(connection);
  }
  take_(listener, connection);
}

}  // namespace sluice
