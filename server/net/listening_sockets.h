// ListeningSockets: what one address is listened on with.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Owns the descriptors, which do not block. Not thread-safe; its descriptors are the system's.
class ListeningSockets {
 public:
  // HOST:PORT (port 0: any free one; a host that means several addresses is listened on at each) or
  // unix:/PATH. A socket that nobody serves any more is replaced; one that somebody serves never is, nor any
  // other file. The message names the cause. INVALID_ARGUMENT: no such form, or a path that is too long.
  // NOT_FOUND: no such directory or host. FAILED_PRECONDITION: the path is a file, or none of this machine's
  // addresses. PERMISSION_DENIED. UNAVAILABLE: another process listens there. May ask a name server: blocks.
  static absl::StatusOr<ListeningSockets> Open(absl::string_view address);

  ListeningSockets(ListeningSockets&& other) noexcept;
  ListeningSockets& operator=(ListeningSockets&& other) noexcept;
  // Closes them and removes the path, unless somebody else has made a socket there meanwhile.
  ~ListeningSockets() { Close(); }
  // Idempotent.
  void Close();

  // As given, with the bound port.
  const std::string& address() const { return address_; }
  const std::vector<int>& descriptors() const { return descriptors_; }

 private:
  ListeningSockets() = default;
  static absl::StatusOr<ListeningSockets> OpenPath(absl::string_view path);
  static absl::StatusOr<ListeningSockets> OpenHost(absl::string_view address);

  std::string address_;
  std::vector<int> descriptors_;
  std::string path_;                      // to be removed,
  std::pair<dev_t, ino_t> file_at_path_;  // if this is what is there
};

}  // namespace sluice
