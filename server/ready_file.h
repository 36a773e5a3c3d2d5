// The ready file: where this server listens, for scripts and for the client that started it.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace sluice {

// {"grpc":"127.0.0.1:41234","admin":"127.0.0.1:4567"}, whole or not at all. UNAVAILABLE names the file.
absl::Status WriteReadyFile(const std::string& path, const std::string& grpc_address,
                            const std::string& admin_address);

}  // namespace sluice
