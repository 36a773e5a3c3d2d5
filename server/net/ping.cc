#include "server/net/ping.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/base/clock.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

constexpr char kPreface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr size_t kFrameHeader = 9;
constexpr char kPing = 6;
constexpr char kGoAway = 7;
constexpr char kAck = 1;
// Frames of no payload and of eight bytes: length, type, flags, stream.
constexpr char kSettingsFrame[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};
constexpr char kPingFrame[] = {0, 0, 8, kPing, 0, 0, 0, 0, 0, 's', 'l', 'u', 'i', 'c', 'e', '?', '?'};

class Socket {
 public:
  explicit Socket(int family) : number_(socket(family, SOCK_STREAM, 0)) {
    if (number_ < 0) return;
    PrepareDescriptor(number_);
    // Closed with a reset: else a minute of connections that are over would stay in the system's table.
    const linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(number_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (number_ >= 0) close(number_);
  }
  int get() const { return number_; }

 private:
  const int number_;
};

absl::Status Failed(absl::string_view step) {
  return absl::UnavailableError(absl::StrCat(step, ": ", std::strerror(errno)));
}

SocketAddress Reachable(SocketAddress address) {
  if (address.family() == AF_INET) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(address.get());
    if (v4->sin_addr.s_addr == htonl(INADDR_ANY)) v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else if (address.family() == AF_INET6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(address.get());
    if (IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)) v6->sin6_addr = in6addr_loopback;
  }
  return address;
}

// An address of its own for the calling end: a free port beside the server's, or a name that the system
// chooses.
void BindBeside(int socket, SocketAddress server) {
  SetPort(server, 0);
  if (server.family() == AF_UNIX) server.size = sizeof(sa_family_t);
  (void)!bind(socket, server.get(), server.size);
}

absl::Status Await(int socket, short events, absl::Duration until) {
  const absl::Duration left = until - Clock::Real().MonotonicNow();
  pollfd wait = {.fd = socket, .events = events, .revents = 0};
  const int64_t milliseconds = left > absl::ZeroDuration() ? absl::ToInt64Milliseconds(left) + 1 : 0;
  const int ready = poll(&wait, 1, static_cast<int>(milliseconds));
  if (ready > 0 || (ready < 0 && errno == EINTR)) return absl::OkStatus();
  return absl::DeadlineExceededError("no answer in time");
}

absl::Status ConnectTo(int socket, const SocketAddress& server, absl::Duration until) {
  while (connect(socket, server.get(), server.size) != 0) {
    if (errno == EISCONN) return absl::OkStatus();
    // A full queue: of TCP it stays in progress, of a path it is to be tried again.
    if (errno != EINPROGRESS && errno != EALREADY && errno != EAGAIN && errno != EINTR)
      return Failed("connect");
    SLUICE_RETURN_IF_ERROR(Await(socket, POLLOUT, until));
    if (Clock::Real().MonotonicNow() > until) return absl::DeadlineExceededError("no answer in time");
  }
  return absl::OkStatus();
}

absl::Status Receive(int socket, std::string& received, absl::Duration until) {
  char part[4096];
  while (true) {
    const ssize_t size = recv(socket, part, sizeof(part), 0);
    if (size > 0) {
      received.append(part, static_cast<size_t>(size));
      return absl::OkStatus();
    }
    if (size == 0) return absl::UnavailableError("the connection was closed");
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return Failed("read");
    SLUICE_RETURN_IF_ERROR(Await(socket, POLLIN, until));
  }
}

// Takes whole frames off `received` until one answers the ping. One that sends the caller away, as gRPC does
// with those that have no call while its memory is short, was reached as well.
bool FindAnswer(std::string& received) {
  while (received.size() >= kFrameHeader) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(received[i]); };
    const size_t size = kFrameHeader + (size_t{byte(0)} << 16 | size_t{byte(1)} << 8 | byte(2));
    if (received.size() < size) return false;
    if (received[3] == kGoAway || (received[3] == kPing && (received[4] & kAck) != 0)) return true;
    received.erase(0, size);
  }
  return false;
}

}  // namespace

absl::Status Ping(const SocketAddress& listening, absl::Duration timeout,
                  const std::function<void(const SocketAddress&)>& from_here) {
  const absl::Duration until = Clock::Real().MonotonicNow() + timeout;
  const SocketAddress server = Reachable(listening);
  const Socket socket(server.family());
  if (socket.get() < 0) return Failed("socket");
  BindBeside(socket.get(), server);
  from_here(LocalAddress(socket.get()));
  SLUICE_RETURN_IF_ERROR(ConnectTo(socket.get(), server, until));
  const std::string hello = absl::StrCat(kPreface, absl::string_view(kSettingsFrame, sizeof(kSettingsFrame)),
                                         absl::string_view(kPingFrame, sizeof(kPingFrame)));
  // So few bytes fit into the buffer of a new connection.
  if (send(socket.get(), hello.data(), hello.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(hello.size())) {
    return Failed("write");
  }
  std::string received;
  while (!FindAnswer(received)) SLUICE_RETURN_IF_ERROR(Receive(socket.get(), received, until));
  return absl::OkStatus();
}

}  // namespace sluice
