// How a process ends when signals and its own wish to end meet, in processes of their own.
#include "server/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "gtest/gtest.h"
#include "server/drain_deadline.h"

namespace sluice {
namespace {

constexpr int kExitCode = 7;

// The wait status of a process that blocks signals, does `before`, waits for the end, does `draining` and
// then exits with kExitCode.
int EndOf(const std::function<void()>& before, const std::function<void()>& draining) {
  const pid_t child = fork();
  if (child == 0) {
    BlockSignals();
    before();
    WaitForTermination([] {});
    draining();
    _exit(kExitCode);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

void Terminate() {
  kill(getpid(), SIGTERM);
}

[[noreturn]] void Hang() {
  while (true) pause();
}

void ExpectExitCode(int status) {
  ASSERT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), kExitCode);
}

TEST(Signals, TheSecondSignalEndsTheProcessAtOnce) {
  ExpectExitCode(EndOf(Terminate, [] {}));
  const int status = EndOf(Terminate, Terminate);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

// Whatever the order in which they come, the process that wants to end does so by its exit code.
TEST(Signals, ARequestNeverEndsTheProcessByASignal) {
  const auto both = [] {
    Terminate();
    RequestTermination();
  };
  ExpectExitCode(EndOf(RequestTermination, [] {}));
  ExpectExitCode(EndOf(Terminate, RequestTermination));
  ExpectExitCode(EndOf(both, RequestTermination));
  ExpectExitCode(EndOf(RequestTermination, both));
}

// Supervisors send SIGHUP along with SIGTERM, and a closing terminal sends it twice.
TEST(Signals, AHangUpEndsInOrderHoweverOftenItComes) {
  const auto hang_up = [] { kill(getpid(), SIGHUP); };
  ExpectExitCode(EndOf(hang_up, hang_up));
  ExpectExitCode(EndOf(Terminate, hang_up));
  ExpectExitCode(EndOf(
      [&] {
        Terminate();
        hang_up();
      },
      [] {}));
}

TEST(Signals, TheSecondSignalAfterAHangUpStillEndsTheProcessAtOnce) {
  const int status = EndOf([] { kill(getpid(), SIGHUP); }, Terminate);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

TEST(Signals, UnderNohupAHangUpChangesNothing) {
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGHUP, SIG_IGN);
    BlockSignals();
    kill(getpid(), SIGHUP);
    sigset_t pending;
    sigpending(&pending);
    _exit(sigismember(&pending, SIGHUP) == 1 ? 1 : kExitCode);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ExpectExitCode(status);
}

TEST(Signals, ProcessorTimeThatIsUsedUpEndsInOrder) {
  ExpectExitCode(EndOf([] { kill(getpid(), SIGXCPU); }, [] {}));
}

// It is the signal of RequestTermination, and a stranger's does not end the server with an exit code of
// success.
TEST(Signals, AStrangersSignalIsNoRequest) {
  int backups = 0;
  const pid_t child = fork();
  if (child == 0) {
    BlockSignals();
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    WaitForTermination([&] {
      if (++backups == 1) kill(getpid(), SIGUSR2);
      kill(getpid(), backups == 1 ? SIGUSR1 : SIGTERM);
    });
    _exit(backups == 2 ? kExitCode : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ExpectExitCode(status);
}

TEST(Signals, WritesThatCannotBeAreErrorsAndNoDeaths) {
  ExpectExitCode(EndOf(
      [] {
        raise(SIGPIPE);
        raise(SIGXFSZ);
        Terminate();
      },
      [] {}));
}

TEST(Signals, AnEndThatHangsIsCut) {
  const int status = EndOf(RequestTermination, [] {
    EndWithin(absl::Seconds(1));
    Hang();
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGALRM);
}

// Standard error is a pipe that is full, and stays so.
void StopTheLog() {
  int ends[2];
  if (pipe(ends) != 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0) _exit(1);
  while (write(ends[1], "x", 1) == 1) {
  }
  if (fcntl(ends[1], F_SETFL, 0) != 0 || dup2(ends[1], STDERR_FILENO) < 0) _exit(1);
}

TEST(Signals, ADrainThatHangsEndsByItsExitCode) {
  ExpectExitCode(EndOf(Terminate, [] {
    const DrainDeadline deadline(absl::Milliseconds(1), kExitCode);
    Hang();
  }));
}

TEST(Signals, ADrainThatHangsEndsThoughItsLogHangsToo) {
  const int status = EndOf(Terminate, [] {
    StopTheLog();
    const DrainDeadline deadline(absl::Milliseconds(1), kExitCode);
    Hang();
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGALRM);
}

TEST(Signals, BackupsAreOrderedBeforeTheEndOnly) {
  const int status = EndOf(
      [] {
        kill(getpid(), SIGUSR1);
        RequestTermination();
      },
      [] { kill(getpid(), SIGUSR1); });
  ExpectExitCode(status);
}

}  // namespace
}  // namespace sluice
