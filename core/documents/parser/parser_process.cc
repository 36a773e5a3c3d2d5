#include "core/documents/parser/parser_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"

extern char** environ;

namespace sluice {
namespace {

constexpr int kSocketInChild = 3;
constexpr absl::Duration kHelloWithin = absl::Seconds(20);

absl::Status Unusable(const std::string& path, absl::string_view why) {
  return WithReason(absl::UnavailableError(absl::StrCat("the parser ", path, " cannot be used: ", why)),
                    "PARSER_UNUSABLE");
}

std::string Words(int error) {
  return std::generic_category().message(error);
}

// The actions and attributes of a spawn, freed with it.
class SpawnPlan {
 public:
  explicit SpawnPlan(int socket) {
    posix_spawn_file_actions_init(&actions_);
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO}) {
      posix_spawn_file_actions_addopen(&actions_, standard, "/dev/null", O_RDWR, 0);
    }
    posix_spawn_file_actions_adddup2(&actions_, socket, kSocketInChild);
    // The server's threads block signals and ignore some; the child begins as any program does.
    posix_spawnattr_init(&attributes_);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  int Spawn(const std::vector<std::string>& arguments, pid_t& pid) {
    std::vector<char*> pointers;
    pointers.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    return posix_spawn(&pid, arguments.front().c_str(), &actions_, &attributes_, pointers.data(), environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    return absl::StrCat("was ended by signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)), ")");
  }
  return absl::StrCat("ended with exit code ", WEXITSTATUS(status));
}

absl::Duration TimeOf(const timeval& time) {
  return absl::DurationFromTimeval(time);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ParserProcess>> ParserProcess::Start(const ParserProgram& program) {
  std::array<int, 2> sockets{};
  // The child's end is handed over by dup2, which drops the flag; a program started meanwhile gets neither.
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets.data()) != 0) {
    return Unusable(program.path, Words(errno));
  }
  OpenFile ours(sockets[0]);
  // dup2 onto itself would keep the flag, and the child would be without it.
  OpenFile theirs(fcntl(sockets[1], F_DUPFD_CLOEXEC, kSocketInChild + 1));
  close(sockets[1]);
  if (!theirs.is_open()) return Unusable(program.path, Words(errno));
  const std::vector<std::string> arguments = {
      program.path, absl::StrCat("--pdfium=", program.pdfium),
      absl::StrCat("--max-memory-mib=", program.max_memory_bytes >> 20), absl::StrCat("--parent=", getpid())};
  pid_t pid = -1;
  if (const int error = SpawnPlan(theirs.get()).Spawn(arguments, pid); error != 0) {
    return Unusable(program.path, Words(error));
  }
  theirs.Close();
  std::unique_ptr<ParserProcess> process(new ParserProcess(pid, std::move(ours)));
  absl::StatusOr<ParserMessage> hello = process->Receive(kHelloWithin, NeverCancelled);
  if (!hello.ok() || hello->type != ParserMessageType::kHello) {
    return Unusable(program.path, absl::StrCat("it said no hello; it ", process->End()));
  }
  process->greeting_ = std::move(hello->body);
  return process;
}

ParserProcess::~ParserProcess() {
  End();
}

absl::Status ParserProcess::Send(ParserMessageType type, absl::string_view body, int descriptor) {
  return SendMessage(socket_.get(), type, body, descriptor);
}

absl::StatusOr<ParserMessage> ParserProcess::Receive(absl::Duration timeout,
                                                     absl::FunctionRef<bool()> cancelled) {
  return ReceiveMessage(socket_.get(), timeout, cancelled);
}

std::string ParserProcess::End() {
  if (!ended_.empty()) return ended_;
  int status = 0;
  rusage used = {};
  // One that has ended already keeps its own reason: the signal comes too late for it.
  kill(pid_, SIGKILL);
  while (wait4(pid_, &status, 0, &used) < 0 && errno == EINTR) {
  }
  cpu_time_at_end_ = TimeOf(used.ru_utime) + TimeOf(used.ru_stime);
  ended_ = HowItEnded(status);
  return ended_;
}

int64_t ParserProcess::ResidentBytes() const {
  if (!ended_.empty()) return 0;
  std::ifstream statm(absl::StrCat("/proc/", pid_, "/statm"));
  int64_t size = 0, resident = 0;
  statm >> size >> resident;
  return statm ? resident * sysconf(_SC_PAGESIZE) : 0;
}

absl::Duration ParserProcess::CpuTime() const {
  if (!ended_.empty()) return cpu_time_at_end_;
  std::ifstream stat(absl::StrCat("/proc/", pid_, "/stat"));
  std::string text;
  std::getline(stat, text);
  // The name, in brackets, may hold anything; the times are fields 14 and 15 of the line.
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  int64_t user = 0, system = 0;
  fields >> user >> system;
  return fields ? absl::Seconds(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK))
                : absl::ZeroDuration();
}

}  // namespace sluice
