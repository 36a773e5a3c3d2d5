// Ping: asks a gRPC server, as a stranger would, whether it is there.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/net/socket_address.h"

namespace sluice {

// Connects to `server`, a wildcard standing for loopback, begins HTTP/2 and waits for the answer to a PING,
// or to be sent away. `from_here` is told the own address before the server can see it. Blocks for at most
// `timeout`. UNAVAILABLE: not reached, or the connection was cut. DEADLINE_EXCEEDED: no answer in time.
absl::Status Ping(const SocketAddress& server, absl::Duration timeout,
                  const std::function<void(const SocketAddress&)>& from_here);

}  // namespace sluice
