#include "client/cpp/command/local_server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/cpp/command/child_process.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr char kServerName[] = "sluiced";
constexpr absl::Duration kPollInterval = absl::Milliseconds(50);
constexpr int kExitNotStarted = 127;
constexpr size_t kLogTailBytes = 1500;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool IsExecutable(const fs::path& path) {
  return access(path.c_str(), X_OK) == 0 && !fs::is_directory(path);
}

absl::StatusOr<std::string> MakePrivateDirectory(const std::string& parent) {
  std::string path = absl::StrCat(parent, "/sluice-XXXXXX");
  if (mkdtemp(path.data()) == nullptr)
    return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  return path;
}

std::string Tail(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const auto size = static_cast<size_t>(file.tellg());
  file.seekg(static_cast<std::streamoff>(size > kLogTailBytes ? size - kLogTailBytes : 0));
  std::string tail(std::istreambuf_iterator<char>(file), {});
  return std::string(absl::StripAsciiWhitespace(tail));
}

// For execv; `words` must outlive it.
std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void Become(pid_t parent, char* const* arguments) {
  DieWithParent(parent);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(arguments[0], arguments);
  _exit(kExitNotStarted);
}

[[noreturn]] void BecomeServer(pid_t parent, int log, char* const* arguments) {
  // Its own group: Ctrl-C at the terminal is for us to answer.
  setpgid(0, 0);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  Become(parent, arguments);
}

}  // namespace

absl::StatusOr<std::string> FindServerBinary() {
  const std::string own = OwnBinaryPath();
  const fs::path beside = fs::path(own).parent_path() / kServerName;
  if (!own.empty() && IsExecutable(beside)) return beside.string();
  for (const absl::string_view directory : absl::StrSplit(Environment("PATH"), ':', absl::SkipEmpty())) {
    const fs::path candidate = fs::path(std::string(directory)) / kServerName;
    if (IsExecutable(candidate)) return candidate.string();
  }
  return absl::NotFoundError(absl::StrCat("this needs ", kServerName, ": it is neither beside this program (",
                                          beside.string(), ") nor in PATH"));
}

absl::StatusOr<LocalServerOptions> DefaultLocalServerOptions() {
  LocalServerOptions options;
  SLUICE_ASSIGN_OR_RETURN(options.binary, FindServerBinary());
  const std::string home = Environment("HOME");
  std::string cache = Environment("XDG_CACHE_HOME");
  if (cache.empty() && home.empty())
    return absl::FailedPreconditionError("--local needs HOME or XDG_CACHE_HOME for its data");
  if (cache.empty()) cache = home + "/.cache";
  options.data_directory = cache + "/sluice";
  options.runtime_parent = Environment("XDG_RUNTIME_DIR");
  if (options.runtime_parent.empty()) options.runtime_parent = Environment("TMPDIR");
  if (options.runtime_parent.empty()) options.runtime_parent = "/tmp";
  return options;
}

absl::StatusOr<int> RunToItsEnd(const std::string& binary, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {binary};
  words.insert(words.end(), arguments.begin(), arguments.end());
  const std::vector<char*> pointers = Pointers(words);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) return absl::UnavailableError(absl::StrCat(binary, ": ", std::strerror(errno)));
  if (child == 0) Become(parent, pointers.data());
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::UnavailableError(absl::StrCat(binary, ": ", std::strerror(errno)));
  }
  if (WIFSIGNALED(status)) return 128 + WTERMSIG(status);
  if (WEXITSTATUS(status) != kExitNotStarted) return WEXITSTATUS(status);
  return absl::UnavailableError(absl::StrCat(binary, " cannot be started"));
}

LocalServer::LocalServer(LocalServerOptions options, const Clock& clock, std::string directory)
    : options_(std::move(options)),
      clock_(clock),
      directory_(std::move(directory)),
      address_(absl::StrCat("unix:", directory_, "/grpc")) {}

absl::StatusOr<std::unique_ptr<LocalServer>> LocalServer::Start(
    const LocalServerOptions& options, const Clock& clock, const Interruption& interruption,
    absl::FunctionRef<void(absl::Duration)> waiting) {
  std::error_code error;
  fs::create_directories(options.data_directory, error);
  if (error) return absl::UnavailableError(absl::StrCat(options.data_directory, ": ", error.message()));
  SLUICE_ASSIGN_OR_RETURN(std::string directory, MakePrivateDirectory(options.runtime_parent));
  std::unique_ptr<LocalServer> server(new LocalServer(options, clock, std::move(directory)));
  if (server->address().size() - strlen("unix:") >= sizeof(sockaddr_un::sun_path)) {
    return absl::UnavailableError(
        absl::StrCat(server->address(), ": too long for a socket; set TMPDIR to a shorter path"));
  }
  SLUICE_RETURN_IF_ERROR(server->Spawn());
  SLUICE_RETURN_IF_ERROR(server->AwaitReady(interruption, waiting));
  return server;
}

absl::Status LocalServer::Spawn() {
  const std::vector<std::string> words = {options_.binary, "--listen=" + address_, "--admin=127.0.0.1:0",
                                          "--data=" + options_.data_directory, "--ready-file=" + ReadyFile()};
  const std::vector<char*> arguments = Pointers(words);
  const int log = open(LogFile().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) return absl::UnavailableError(absl::StrCat(LogFile(), ": ", std::strerror(errno)));
  const pid_t parent = getpid();
  child_ = fork();
  if (child_ == 0) BecomeServer(parent, log, arguments.data());
  close(log);
  if (child_ < 0) return absl::UnavailableError(absl::StrCat(options_.binary, ": ", std::strerror(errno)));
  return absl::OkStatus();
}

bool LocalServer::HasEnded(int wait_flags) {
  if (child_ < 0) return true;
  int status = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(child_, &status, wait_flags);
  } while (ended < 0 && errno == EINTR);
  if (ended == 0) return false;
  child_ = -1;
  return true;
}

absl::Status LocalServer::EndedError(absl::string_view what) const {
  const std::string tail = Tail(LogFile());
  return absl::UnavailableError(
      absl::StrCat(options_.binary, " ", what, tail.empty() ? "" : "; it said:\n", tail));
}

absl::Status LocalServer::AwaitReady(const Interruption& interruption,
                                     absl::FunctionRef<void(absl::Duration)> waiting) {
  const absl::Duration start = clock_.MonotonicNow();
  while (!fs::exists(ReadyFile())) {
    if (HasEnded(WNOHANG)) return EndedError("ended before it was ready");
    const absl::Duration waited = clock_.MonotonicNow() - start;
    if (waited > options_.ready_timeout) {
      return EndedError(absl::StrCat("was not ready within ", absl::FormatDuration(options_.ready_timeout)));
    }
    waiting(waited);
    if (interruption.WaitFor(kPollInterval)) return absl::CancelledError("interrupted");
  }
  return absl::OkStatus();
}

LocalServer::~LocalServer() {
  if (child_ > 0) {
    kill(child_, SIGTERM);
    const absl::Duration start = clock_.MonotonicNow();
    // Nothing to wait on but the child itself: a notification that never comes gives the interval.
    const Notification never;
    while (!HasEnded(WNOHANG) && clock_.MonotonicNow() - start < options_.stop_timeout)
      never.WaitFor(kPollInterval);
    if (child_ > 0) {
      kill(child_, SIGKILL);
      HasEnded(0);
    }
  }
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

}  // namespace sluice
