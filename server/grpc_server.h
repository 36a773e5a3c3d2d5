// GrpcServer: one gRPC server on one address, with health and, when asked for, reflection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/metrics/service_metrics.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace sluice {

class ConnectionAcceptor;
class PortWatch;

// Calls are handled on threads of gRPC's, which here are unhurried (core/base/thread.h): a thousand calls a
// second that each broke into a forward pass would cost it more than their own work.
class GrpcServer {
 public:
  struct Options {
    std::string address;  // host:port, port 0 for any free one, or unix:/path
    bool reflection = false;
    int64_t memory_quota_bytes = 512 << 20;  // of gRPC's own buffers
    int max_connections = 4096;              // beyond, a connection is closed at once
    ConnectionMetrics metrics;               // may be empty
    // Called at most once, on a thread of the server's, when it has not reached its own port for some
    // seconds.
    std::function<void()> on_lost = [] {};
  };

  // Serves `services` at once; they must outlive the server. Fails as ListeningSockets::Open does where the
  // address cannot be listened on. FAILED_PRECONDITION: reflection was asked for and its library is not
  // there.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Create(const Options& options,
                                                            const std::vector<grpc::Service*>& services);
  ~GrpcServer();

  // With the bound port.
  const std::string& address() const;

  // Whether it reached its own port, from outside, in one of the last two tries; a try comes every two
  // seconds.
  bool reachable() const;
  // It did not in five tries in a row.
  bool lost() const;

  // grpc.health.v1 answers NOT_SERVING from here on; calls are still served.
  void BeginDrain();

  // Ends health watches, takes no new call, waits at most `timeout` for those that run, then cancels them.
  // Blocks. Idempotent.
  void Shutdown(absl::Duration timeout);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::unique_ptr<ConnectionAcceptor> acceptor,
             std::function<void()> on_lost);

  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ConnectionAcceptor> acceptor_;
  bool shut_down_ = false;
  std::unique_ptr<PortWatch> watch_;
};

// "1.51.1"
std::string GrpcVersion();

}  // namespace sluice
