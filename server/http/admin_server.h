// AdminServer: /metrics, /healthz and /readyz over HTTP, on a port of their own, so that probes and scrapes
// never wait behind work.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace sluice {

class AdminServer {
 public:
  struct Options {
    std::string address;  // host:port, port 0 for any free one
    int num_threads = 2;
    int max_waiting_connections = 64;  // more wait in the kernel
  };

  struct Pages {
    std::function<std::string()> metrics;  // Prometheus text
    std::function<bool()> ready;
  };

  // Serves at once. UNAVAILABLE: the address cannot be listened on. The pages are called from the server's
  // threads.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Create(const Options& options, Pages pages);
  // Stops and joins.
  virtual ~AdminServer() = default;

  // With the bound port.
  virtual const std::string& address() const = 0;
};

}  // namespace sluice
