// ServerAddress: what a server's address means to gRPC, and why nobody answers there.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// gRPC's name for HOST:PORT or unix:/PATH; others, as in dns:///HOST:PORT, are handed on as they are.
// INVALID_ARGUMENT: no port, or a path that is too long for a socket.
absl::StatusOr<std::string> ChannelTarget(absl::string_view address);

// The cause as the system names it, "" when it knows none: "the host 'x' is not known", "connection refused",
// "there is no socket /x". Connects, waits for at most a second and may ask a name server: blocks.
std::string WhyNobodyAnswers(absl::string_view address);

}  // namespace sluice
