// SocketAddress: one address of a socket, as the system's calls take it; and the steps every socket here
// needs.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  // The bytes that two equal addresses share; "" for a socket without a name.
  std::string Name() const;
};

inline constexpr size_t kMaxSocketPathBytes = 107;

// "unix:/path" or "unix:///path" to "/path"; "" when `address` is none of them.
absl::string_view SocketPathOf(absl::string_view address);

// INVALID_ARGUMENT: the path is empty or has more than kMaxSocketPathBytes.
absl::StatusOr<SocketAddress> PathAddress(absl::string_view path);

// Every address that HOST:PORT means, to listen on. A wildcard, 0.0.0.0 or [::], means both families.
// INVALID_ARGUMENT: it is not host:port. NOT_FOUND: the host's name is not known. May ask a name server:
// blocks.
absl::StatusOr<std::vector<SocketAddress>> HostAddresses(absl::string_view address);

// Of an open socket; size 0 when the system does not say.
SocketAddress LocalAddress(int socket);
SocketAddress PeerAddress(int socket);

// 0 for a socket of a path.
int PortOf(const SocketAddress& address);
void SetPort(SocketAddress& address, int port);

// Makes it not block and not pass to a program that is started.
void PrepareDescriptor(int descriptor);

// Small answers leave at once instead of waiting for the peer to confirm the last one. Nothing on a socket of
// a path.
void SendAtOnce(int socket);

}  // namespace sluice
