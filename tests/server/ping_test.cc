// What counts as an answer: of servers that say one thing each.
#include "server/net/ping.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "absl/strings/string_view.h"
#include "core/base/notification.h"
#include "core/base/thread.h"
#include "server/net/listening_sockets.h"

namespace sluice {
namespace {

constexpr absl::string_view kSettings("\0\0\0\4\0\0\0\0\0", 9);
constexpr absl::string_view kPingAnswer("\0\0\10\6\1\0\0\0\0sluice??", 17);
constexpr absl::string_view kPingOfItsOwn("\0\0\10\6\0\0\0\0\0whatever", 17);
constexpr absl::string_view kGoAway("\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\13", 17);

// Of a server that says `answer`, and closes at once or after the ping is over.
absl::Status PingOf(const std::string& answer, bool close_at_once, absl::Duration timeout) {
  const auto sockets = ListeningSockets::Open("127.0.0.1:0");
  if (!sockets.ok()) return sockets.status();
  const int listener = sockets->descriptors().front();
  Notification over;
  Thread server("server", [&] {
    int connection = -1;
    while ((connection = accept(listener, nullptr, nullptr)) < 0 && !over.WaitFor(absl::Milliseconds(1))) {
    }
    // All of the greeting, so that closing takes nothing back.
    char greeting[24 + 9 + 17];
    if (recv(connection, greeting, sizeof(greeting), MSG_WAITALL) != sizeof(greeting)) return;
    (void)!send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    if (!close_at_once) over.Wait();
    close(connection);
  });
  const absl::Status status = Ping(LocalAddress(listener), timeout, [](const SocketAddress&) {});
  over.Notify();
  return status;
}

std::string Said(std::initializer_list<absl::string_view> frames) {
  std::string all;
  for (const absl::string_view frame : frames) all.append(frame.data(), frame.size());
  return all;
}

TEST(Ping, IsAnsweredBehindWhateverFrames) {
  EXPECT_EQ(PingOf(Said({kSettings, kPingOfItsOwn, kPingAnswer}), false, absl::Seconds(20)),
            absl::OkStatus());
}

// Short of memory, gRPC cuts connections without a call: the server was reached nevertheless.
TEST(Ping, IsAnsweredByWhoSendsTheCallerAway) {
  EXPECT_EQ(PingOf(Said({kSettings, kGoAway}), true, absl::Seconds(20)), absl::OkStatus());
}

TEST(Ping, IsNotAnsweredByWhoCloses) {
  EXPECT_EQ(PingOf(Said({kSettings, kPingOfItsOwn}), true, absl::Seconds(20)).code(),
            absl::StatusCode::kUnavailable);
}

TEST(Ping, IsNotAnsweredByWhoSaysNothingOfIt) {
  EXPECT_EQ(PingOf(Said({kSettings}), false, absl::Milliseconds(50)).code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(Ping, NamesAPortWhereNobodyListens) {
  auto sockets = ListeningSockets::Open("127.0.0.1:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  const SocketAddress address = LocalAddress(sockets->descriptors().front());
  sockets->Close();
  EXPECT_EQ(Ping(address, absl::Seconds(20), [](const SocketAddress&) {}),
            absl::UnavailableError("connect: Connection refused"));
}

}  // namespace
}  // namespace sluice
