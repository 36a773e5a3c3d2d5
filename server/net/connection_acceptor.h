// ConnectionAcceptor: takes the connections of a listening address, so many at once, and hands them on.
//
// gRPC (1.51) stops listening for good at the first accept that fails, as it does when no descriptor is left,
// and knows no bound. So it is given connections that were taken here.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "core/base/clock.h"
#include "core/base/mutex.h"
#include "core/base/thread.h"
#include "core/metrics/service_metrics.h"
#include "server/net/listening_sockets.h"
#include "server/net/open_connections.h"
#include "server/net/socket_address.h"
#include "server/net/wake_pipe.h"

namespace sluice {

// Thread-safe, never blocks but for Stop.
class ConnectionAcceptor {
 public:
  struct Options {
    int max_connections = 4096;  // beyond, a connection is closed at once and counted as refused
    ConnectionMetrics metrics;   // may be empty
  };
  // Owns `connection` from then on. Called from the acceptor's thread.
  using Take = std::function<void(int listener, int connection)>;

  ConnectionAcceptor(const Options& options, ListeningSockets sockets, Take take);
  ~ConnectionAcceptor() { Stop(); }

  // With the bound port.
  const std::string& address() const { return sockets_.address(); }
  // The first of those that are listened on.
  const SocketAddress& first() const { return first_; }

  // The connection from this address is taken whatever the bound, and is not counted. One at a time.
  void Expect(const SocketAddress& peer);

  // Takes no more and closes the listening sockets; connections that were handed on stay. Idempotent, joins.
  void Stop();

 private:
  void Run();
  // Whether there are descriptors for more.
  bool TakeFrom(int listener);
  void HandOn(int listener, int connection);
  bool HasRoom();
  bool IsExpected(const SocketAddress& peer) const;

  const Options options_;
  ListeningSockets sockets_;
  const SocketAddress first_;
  const Take take_;
  WakePipe wake_;
  std::atomic<bool> stopped_ = false;
  mutable Mutex mutex_;
  std::string expected_ ABSL_GUARDED_BY(mutex_);
  // The thread's own.
  OpenConnections open_;
  absl::Duration counted_at_;
  absl::Duration complained_at_ = -absl::InfiniteDuration();
  Thread thread_;
};

}  // namespace sluice
