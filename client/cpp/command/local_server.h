// LocalServer: a `sluiced` of one's own for the time of a command (--local).
//
// It listens on a unix socket in a private directory, keeps its data under $XDG_CACHE_HOME/sluice, and goes
// when its owner goes, even when that one is killed.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cpp/command/interruption.h"
#include "core/base/clock.h"

namespace sluice {

struct LocalServerOptions {
  std::string binary;                               // of sluiced
  std::string data_directory;                       // made when missing
  std::string runtime_parent;                       // where the private directory is made
  absl::Duration ready_timeout = absl::Minutes(5);  // the first start on a machine calibrates
  absl::Duration stop_timeout = absl::Seconds(10);  // from SIGTERM to SIGKILL
};

// The sluiced beside the running program, else the first in PATH. NOT_FOUND says where it looked.
absl::StatusOr<std::string> FindServerBinary();

// Data under $XDG_CACHE_HOME or ~/.cache, runtime under $XDG_RUNTIME_DIR or $TMPDIR or /tmp.
// FAILED_PRECONDITION when there is no home directory.
absl::StatusOr<LocalServerOptions> DefaultLocalServerOptions();

// Runs `binary` on our own terminal until it ends; it goes when we go. Its exit code, or 128 and the number
// of the signal that ended it. UNAVAILABLE: it cannot be started.
absl::StatusOr<int> RunToItsEnd(const std::string& binary, const std::vector<std::string>& arguments);

class LocalServer {
 public:
  // Starts it and waits until it is ready, telling `waiting` now and then for how long. Call on a thread that
  // lives as long as the server should: Linux ties the child to the thread. UNAVAILABLE with the end of the
  // server's log when it ends or is not ready in time; CANCELLED when interrupted.
  static absl::StatusOr<std::unique_ptr<LocalServer>> Start(const LocalServerOptions& options,
                                                            const Clock& clock,
                                                            const Interruption& interruption,
                                                            absl::FunctionRef<void(absl::Duration)> waiting);
  // Ends the server and removes its private directory.
  ~LocalServer();

  // For ClientOptions::address.
  const std::string& address() const { return address_; }

 private:
  LocalServer(LocalServerOptions options, const Clock& clock, std::string directory);
  absl::Status Spawn();
  absl::Status AwaitReady(const Interruption& interruption, absl::FunctionRef<void(absl::Duration)> waiting);
  // Whether the child has ended; collects it.
  bool HasEnded(int wait_flags);
  absl::Status EndedError(absl::string_view what) const;
  std::string ReadyFile() const { return directory_ + "/ready"; }
  std::string LogFile() const { return directory_ + "/log"; }

  const LocalServerOptions options_;
  const Clock& clock_;
  const std::string directory_;
  const std::string address_;
  pid_t child_ = -1;
};

}  // namespace sluice
