#include "client/cpp/server_address.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace sluice {
namespace {

constexpr size_t kMaxPathBytes = sizeof(sockaddr_un::sun_path) - 1;
constexpr int kPatienceMilliseconds = 1000;

// Of "unix:/path" and "unix:///path".
std::string PathOf(absl::string_view address) {
  absl::ConsumePrefix(&address, "unix:");
  if (absl::StartsWith(address, "///")) address.remove_prefix(2);
  return std::string(address);
}

bool IsPath(absl::string_view address) {
  return absl::StartsWith(address, "unix:");
}

bool HasOtherScheme(absl::string_view address) {
  for (const char* scheme : {"dns:", "ipv4:", "ipv6:", "unix-abstract:", "vsock:", "xds:"}) {
    if (absl::StartsWith(address, scheme)) return true;
  }
  return absl::StrContains(address, "://");
}

// gRPC takes the path for part of a URI.
std::string PercentEncoded(absl::string_view path) {
  std::string encoded;
  for (const char byte : path) {
    const bool plain =
        absl::ascii_isalnum(static_cast<unsigned char>(byte)) || absl::StrContains("/-._~", byte);
    if (plain) {
      encoded.push_back(byte);
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<unsigned char>(byte));
    }
  }
  return encoded;
}

// The system's word for why a connection is not made; "" when it is, or not within the second.
std::string TryToConnect(int family, const sockaddr* address, socklen_t size) {
  const int socket = ::socket(family, SOCK_STREAM, 0);
  if (socket < 0) return std::strerror(errno);
  fcntl(socket, F_SETFL, O_NONBLOCK);
  int error = connect(socket, address, size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    error = 0;
    pollfd wait = {.fd = socket, .events = POLLOUT, .revents = 0};
    socklen_t length = sizeof(error);
    if (poll(&wait, 1, kPatienceMilliseconds) > 0) getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &length);
  }
  close(socket);
  return error == 0 ? "" : std::strerror(error);
}

std::string WhyNoPath(const std::string& path) {
  struct stat found;
  if (stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return absl::StrCat("there is no socket ", path);
    return absl::StrCat(path, ": ", std::strerror(errno));
  }
  if (!S_ISSOCK(found.st_mode)) return absl::StrCat(path, " is not a socket");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), kMaxPathBytes));
  const std::string error =
      TryToConnect(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  if (error == std::strerror(ECONNREFUSED)) return absl::StrCat("no server listens on ", path, " any more");
  return error;
}

std::string WhyNoHost(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) return "";
  absl::string_view host = address.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error =
      getaddrinfo(std::string(host).c_str(), std::string(address.substr(colon + 1)).c_str(), &hints, &list);
  if (error != 0) return absl::StrCat("the host '", host, "' is not known (", gai_strerror(error), ")");
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> found(list, &freeaddrinfo);
  return absl::AsciiStrToLower(TryToConnect(found->ai_family, found->ai_addr, found->ai_addrlen));
}

}  // namespace

absl::StatusOr<std::string> ChannelTarget(absl::string_view address) {
  if (IsPath(address)) {
    const std::string path = PathOf(address);
    if (path.empty()) return absl::InvalidArgumentError(absl::StrCat(address, ": unix: needs a path"));
    if (path.size() > kMaxPathBytes) {
      return absl::InvalidArgumentError(absl::StrCat(address, ": the path has ", path.size(),
                                                     " bytes; the path of a socket has at most ",
                                                     kMaxPathBytes));
    }
    return absl::StrCat("unix:", PercentEncoded(path));
  }
  if (HasOtherScheme(address)) return std::string(address);
  const size_t colon = address.rfind(':');
  int port = 0;
  if (colon == absl::string_view::npos || colon == 0 || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 1 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", address, "' is not HOST:PORT or unix:/PATH, port 1 to 65535"));
  }
  return std::string(address);
}

std::string WhyNobodyAnswers(absl::string_view address) {
  if (IsPath(address)) return WhyNoPath(PathOf(address));
  return HasOtherScheme(address) ? "" : WhyNoHost(address);
}

}  // namespace sluice
