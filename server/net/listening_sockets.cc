#include "server/net/listening_sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "server/net/socket_address.h"

namespace sluice {
namespace {

constexpr int kBacklog = 1024;    // the system cuts it to its own bound
constexpr int kPortAttempts = 8;  // until a free port is free in both families

// A descriptor that is closed unless it is taken.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int get() const { return number_; }
  int Take() { return std::exchange(number_, -1); }

 private:
  int number_;
};

// Held while a stale socket is replaced, so that two servers that start at once do not remove each other's. A
// directory that somebody else holds, or that cannot be opened, is not waited for.
class DirectoryLock {
 public:
  explicit DirectoryLock(const std::string& directory)
      : descriptor_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    for (int attempt = 0; descriptor_.get() >= 0 && attempt < 20; ++attempt) {
      if (flock(descriptor_.get(), LOCK_EX | LOCK_NB) == 0) return;
      usleep(50'000);
    }
  }

 private:
  const Descriptor descriptor_;  // closing it ends the lock
};

std::string DirectoryOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == absl::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

absl::Status CheckDirectory(const std::string& directory) {
  struct stat found;
  if (stat(directory.c_str(), &found) != 0) {
    if (errno == ENOENT) {
      return absl::NotFoundError(absl::StrCat("the directory ", directory, " does not exist: make it first"));
    }
    return absl::FailedPreconditionError(
        absl::StrCat("the directory ", directory, ": ", std::strerror(errno)));
  }
  if (S_ISDIR(found.st_mode)) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(directory, " is not a directory"));
}

// OK when nobody listens on the socket that is there.
absl::Status CheckStale(const std::string& path, const SocketAddress& address) {
  const Descriptor probe(socket(AF_UNIX, SOCK_STREAM, 0));
  if (probe.get() < 0) return absl::UnavailableError(std::strerror(errno));
  PrepareDescriptor(probe.get());  // the queue of one that listens may be full
  if (connect(probe.get(), address.get(), address.size) == 0 || errno == EAGAIN || errno == EINPROGRESS) {
    return absl::UnavailableError(absl::StrCat("another process listens on ", path));
  }
  if (errno == ECONNREFUSED || errno == ENOENT) return absl::OkStatus();
  if (errno == EACCES) {
    return absl::PermissionDeniedError(absl::StrCat(path, " is a socket of another user"));
  }
  return absl::FailedPreconditionError(
      absl::StrCat(path, " is a socket of another kind (", std::strerror(errno), ")"));
}

absl::Status RemoveStale(const std::string& path, const SocketAddress& address) {
  struct stat found;
  if (lstat(path.c_str(), &found) != 0) return absl::OkStatus();
  if (!S_ISSOCK(found.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat(path, " is there and is no socket: remove it, or choose another path"));
  }
  SLUICE_RETURN_IF_ERROR(CheckStale(path, address));
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::PermissionDeniedError(
      absl::StrCat("the socket ", path, ", which nobody serves, cannot be removed: ", std::strerror(errno)));
}

absl::Status BindError(int error, const SocketAddress& address, absl::string_view host) {
  const std::string system = std::strerror(error);
  const int port = PortOf(address);
  switch (error) {
    case EADDRINUSE:
      return absl::UnavailableError(absl::StrCat("the port is in use by another process"));
    case EADDRNOTAVAIL:
      return absl::FailedPreconditionError(absl::StrCat(host, " is no address of this machine"));
    case EACCES:
      if (port > 0 && port < 1024) {
        return absl::PermissionDeniedError(
            absl::StrCat("port ", port,
                         " is privileged: choose one from 1024 on, or give the "
                         "process CAP_NET_BIND_SERVICE"));
      }
      return absl::PermissionDeniedError(system);
    default:
      return absl::UnavailableError(system);
  }
}

absl::StatusOr<int> OpenTcp(const SocketAddress& address, absl::string_view host) {
  Descriptor opened(socket(address.family(), SOCK_STREAM, 0));
  if (opened.get() < 0) return BindError(errno == EAFNOSUPPORT ? EADDRNOTAVAIL : errno, address, host);
  PrepareDescriptor(opened.get());
  const int yes = 1;
  // Not SO_REUSEPORT, by which a second server would share the port silently.
  setsockopt(opened.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (address.family() == AF_INET6) {
    setsockopt(opened.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes));
  }
  if (bind(opened.get(), address.get(), address.size) != 0 || listen(opened.get(), kBacklog) != 0) {
    return BindError(errno, address, host);
  }
  return opened.Take();
}

// What nothing else has at the same time; of no file where nothing is there.
std::pair<dev_t, ino_t> FileAt(const std::string& path) {
  struct stat found = {};
  if (lstat(path.c_str(), &found) != 0) return {};
  return {found.st_dev, found.st_ino};
}

// A family that the machine has not is left out where another one serves.
bool MayBeLeftOut(const absl::Status& status) {
  return absl::IsFailedPrecondition(status);
}

}  // namespace

ListeningSockets::ListeningSockets(ListeningSockets&& other) noexcept
    : address_(std::move(other.address_)),
      descriptors_(std::exchange(other.descriptors_, {})),
      path_(std::exchange(other.path_, {})),
      file_at_path_(other.file_at_path_) {}

ListeningSockets& ListeningSockets::operator=(ListeningSockets&& other) noexcept {
  if (this == &other) return *this;
  Close();
  address_ = std::move(other.address_);
  descriptors_ = std::exchange(other.descriptors_, {});
  path_ = std::exchange(other.path_, {});
  file_at_path_ = other.file_at_path_;
  return *this;
}

void ListeningSockets::Close() {
  const std::string path = std::exchange(path_, {});
  if (!path.empty() && FileAt(path) == file_at_path_) unlink(path.c_str());
  for (const int descriptor : std::exchange(descriptors_, {})) close(descriptor);
}

absl::StatusOr<ListeningSockets> ListeningSockets::OpenPath(absl::string_view given) {
  const std::string path(given);
  SLUICE_ASSIGN_OR_RETURN(const SocketAddress address, PathAddress(path));
  const std::string directory = DirectoryOf(path);
  SLUICE_RETURN_IF_ERROR(CheckDirectory(directory));
  const DirectoryLock lock(directory);
  SLUICE_RETURN_IF_ERROR(RemoveStale(path, address));
  Descriptor opened(socket(AF_UNIX, SOCK_STREAM, 0));
  if (opened.get() < 0) return absl::UnavailableError(std::strerror(errno));
  PrepareDescriptor(opened.get());
  if (bind(opened.get(), address.get(), address.size) != 0) {
    const std::string system = std::strerror(errno);
    if (errno == EADDRINUSE) return absl::UnavailableError(absl::StrCat("another process has made ", path));
    return absl::PermissionDeniedError(
        absl::StrCat("no socket can be made in the directory ", directory, ": ", system));
  }
  ListeningSockets sockets;
  sockets.path_ = path;
  sockets.file_at_path_ = FileAt(path);
  if (listen(opened.get(), kBacklog) != 0) return absl::UnavailableError(std::strerror(errno));
  sockets.descriptors_.push_back(opened.Take());
  return sockets;
}

absl::StatusOr<ListeningSockets> ListeningSockets::OpenHost(absl::string_view address) {
  SLUICE_ASSIGN_OR_RETURN(std::vector<SocketAddress> addresses, HostAddresses(address));
  const absl::string_view host = address.substr(0, address.rfind(':'));
  ListeningSockets sockets;
  absl::Status left_out;
  int port = PortOf(addresses.front());
  for (SocketAddress& each : addresses) {
    SetPort(each, port);
    const absl::StatusOr<int> opened = OpenTcp(each, host);
    if (!opened.ok() && MayBeLeftOut(opened.status())) {
      left_out = opened.status();
      continue;
    }
    if (!opened.ok()) return opened.status();
    sockets.descriptors_.push_back(*opened);
    port = PortOf(LocalAddress(*opened));
  }
  if (sockets.descriptors_.empty()) return left_out;
  sockets.address_ = absl::StrCat(host, ":", port);
  return sockets;
}

absl::StatusOr<ListeningSockets> ListeningSockets::Open(absl::string_view address) {
  absl::StatusOr<ListeningSockets> opened = absl::UnavailableError("");
  if (const absl::string_view path = SocketPathOf(address); address.substr(0, 5) == "unix:") {
    opened = OpenPath(path);
    if (opened.ok()) opened->address_ = std::string(address);
  } else {
    const bool any_port = address.substr(address.rfind(':') + 1) == "0";
    for (int attempt = 0; attempt < (any_port ? kPortAttempts : 1); ++attempt) {
      opened = OpenHost(address);
      if (!absl::IsUnavailable(opened.status())) break;
    }
  }
  if (opened.ok()) return opened;
  return absl::Status(opened.status().code(),
                      absl::StrCat("cannot listen on ", address, ": ", opened.status().message()));
}

}  // namespace sluice
