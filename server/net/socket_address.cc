#include "server/net/socket_address.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

static_assert(sizeof(sockaddr_un::sun_path) <= kMaxSocketPathBytes + 1);

using Resolved = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

absl::StatusOr<Resolved> Resolve(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
  if (error != 0) {
    return absl::NotFoundError(
        absl::StrCat("the host '", host, "' is not known (", gai_strerror(error), ")"));
  }
  return Resolved(found, &freeaddrinfo);
}

bool IsWildcard(absl::string_view host) {
  return host == "0.0.0.0" || host == "::";
}

}  // namespace

std::string SocketAddress::Name() const {
  const size_t family_only = offsetof(sockaddr_un, sun_path);
  if (size == 0 || (family() == AF_UNIX && size <= family_only)) return "";
  return std::string(reinterpret_cast<const char*>(&storage), size);
}

absl::string_view SocketPathOf(absl::string_view address) {
  if (!absl::ConsumePrefix(&address, "unix:")) return "";
  if (address.substr(0, 3) == "///") address.remove_prefix(2);
  return address;
}

absl::StatusOr<SocketAddress> PathAddress(absl::string_view path) {
  if (path.empty()) return absl::InvalidArgumentError("unix: needs a path");
  sockaddr_un address = {};
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat("the path ", path, " has ", path.size(),
                                                   " bytes; the path of a socket has at most ",
                                                   sizeof(address.sun_path) - 1, ": choose a shorter one"));
  }
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  SocketAddress result;
  std::memcpy(&result.storage, &address, sizeof(address));
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return result;
}

absl::StatusOr<std::vector<SocketAddress>> HostAddresses(absl::string_view address) {
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 0 ||
      port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("'", address, "' is not host:port"));
  }
  absl::string_view host = address.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  std::vector<std::string> hosts = {std::string(host)};
  if (IsWildcard(host)) hosts = {"::", "0.0.0.0"};
  std::vector<SocketAddress> addresses;
  for (const std::string& each : hosts) {
    const absl::StatusOr<Resolved> found = Resolve(each, absl::StrCat(port));
    if (!found.ok()) return found.status();
    for (const addrinfo* one = found->get(); one != nullptr; one = one->ai_next) {
      SocketAddress next;
      next.size = one->ai_addrlen;
      std::memcpy(&next.storage, one->ai_addr, next.size);
      // A hosts file may name one twice.
      const bool known = std::any_of(addresses.begin(), addresses.end(),
                                     [&](const SocketAddress& other) { return other.Name() == next.Name(); });
      if (!known) addresses.push_back(next);
    }
  }
  return addresses;
}

SocketAddress LocalAddress(int socket) {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (getsockname(socket, address.get(), &address.size) != 0) return {};
  return address;
}

SocketAddress PeerAddress(int socket) {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (getpeername(socket, address.get(), &address.size) != 0) return {};
  return address;
}

int PortOf(const SocketAddress& address) {
  if (address.family() == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in*>(address.get())->sin_port);
  if (address.family() == AF_INET6)
    return ntohs(reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_port);
  return 0;
}

void SetPort(SocketAddress& address, int port) {
  const auto number = htons(static_cast<uint16_t>(port));
  if (address.family() == AF_INET) reinterpret_cast<sockaddr_in*>(address.get())->sin_port = number;
  if (address.family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(address.get())->sin6_port = number;
}

void PrepareDescriptor(int descriptor) {
  fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

void SendAtOnce(int socket) {
  const int yes = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

}  // namespace sluice
