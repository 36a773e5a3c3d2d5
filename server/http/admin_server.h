// AdminServer: /metrics, /healthz and /readyz over HTTP, on a port of their own, so that probes and scrapes
// never wait behind work.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/metrics/service_metrics.h"

namespace sluice {

// One thread serves all connections and waits for none of them. When one more comes than there may be, the
// one that has been silent for longest makes room, so that a probe always gets in.
class AdminServer {
 public:
  struct Options {
    std::string address;  // host:port, port 0 for any free one
    int max_connections = 128;
    absl::Duration request_timeout = absl::Seconds(5);  // of a whole request, and of taking its answer
    absl::Duration idle_timeout = absl::Minutes(2);     // between two requests
    ConnectionMetrics metrics;                          // may be empty
  };

  struct Pages {
    std::function<std::string()> metrics;  // Prometheus text
    std::function<bool()> ready;
  };

  // Serves at once. Fails as ListeningSockets::Open does. The pages are called from the server's thread,
  // which answers nobody meanwhile: they must not wait.
  static absl::StatusOr<std::unique_ptr<AdminServer>> Create(const Options& options, Pages pages);
  // Stops and joins.
  virtual ~AdminServer() = default;

  // With the bound port.
  virtual const std::string& address() const = 0;
};

}  // namespace sluice
