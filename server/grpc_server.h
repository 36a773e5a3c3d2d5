// GrpcServer: one gRPC server on one address, with health and, when asked for, reflection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace grpc {
class Server;
class Service;
}  // namespace grpc

namespace sluice {

// Calls are handled on threads of gRPC's, which here are unhurried (core/base/thread.h): a thousand calls a
// second that each broke into a forward pass would cost it more than their own work.
class GrpcServer {
 public:
  struct Options {
    std::string address;  // host:port, port 0 for any free one, or unix:/path
    bool reflection = false;
    int64_t memory_quota_bytes = 512 << 20;  // of gRPC's own buffers
  };

  // Serves `services` at once; they must outlive the server. UNAVAILABLE: the address cannot be listened on,
  // or another server listens there (a socket file that nobody serves any more is replaced);
  // FAILED_PRECONDITION: reflection was asked for and its library is not there.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Create(const Options& options,
                                                            const std::vector<grpc::Service*>& services);
  ~GrpcServer();

  // With the bound port.
  const std::string& address() const { return address_; }

  // grpc.health.v1 answers NOT_SERVING from here on; calls are still served.
  void BeginDrain();

  // Ends health watches, takes no new call, waits at most `timeout` for those that run, then cancels them.
  // Blocks. Idempotent.
  void Shutdown(absl::Duration timeout);

 private:
  GrpcServer(std::unique_ptr<grpc::Server> server, std::string address);

  std::unique_ptr<grpc::Server> server_;
  const std::string address_;
  bool shut_down_ = false;
};

// "1.51.1"
std::string GrpcVersion();

}  // namespace sluice
