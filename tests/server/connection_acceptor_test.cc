// Whom the acceptor hands on.
#include "server/net/connection_acceptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "core/base/mutex.h"
#include "core/base/notification.h"
#include "server/net/listening_sockets.h"
#include "server/net/socket_address.h"

namespace sluice {
namespace {

class Client {
 public:
  explicit Client(const SocketAddress& server) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    EXPECT_EQ(connect(socket_, server.get(), server.size), 0);
  }
  ~Client() { close(socket_); }

  std::string name() const { return LocalAddress(socket_).Name(); }

  void ResetAtTheEnd() {
    const linger reset = {.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  }

 private:
  const int socket_;
};

// gRPC would log each of them, and wait for ever where nobody reads its standard error.
TEST(ConnectionAcceptor, HandsOnNobodyWhoCameAndWent) {
  Mutex mutex;
  std::vector<std::string> handed_on;
  Notification first_came;
  Notification go_on;
  Notification second_came;
  auto sockets = ListeningSockets::Open("127.0.0.1:0");
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  ConnectionAcceptor acceptor({}, *std::move(sockets), [&](int, int connection) {
    MutexLock lock(mutex);
    handed_on.push_back(PeerAddress(connection).Name());
    close(connection);
    if (handed_on.size() > 1) return second_came.Notify();
    first_came.Notify();
    go_on.Wait();  // so that the acceptor finds the others gone
  });
  const SocketAddress address = acceptor.first();

  const Client first(address);
  first_came.Wait();
  for (int i = 0; i < 64; ++i) Client(address).ResetAtTheEnd();
  const Client second(address);
  go_on.Notify();
  second_came.Wait();

  acceptor.Stop();
  EXPECT_THAT(handed_on, testing::ElementsAre(first.name(), second.name()));
}

}  // namespace
}  // namespace sluice
