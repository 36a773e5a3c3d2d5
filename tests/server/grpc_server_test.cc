// Where a server may not listen.
#include "server/grpc_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

namespace sluice {
namespace {

// Left alone, gRPC unlinks the socket of a server that runs and takes its clients.
TEST(GrpcServer, DoesNotTakeOverAnothersSocket) {
  const std::string path = absl::StrCat("/tmp/sluice-test-", getpid());
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int other = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(other, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(other, 4), 0);

  const auto server = GrpcServer::Create({.address = absl::StrCat("unix:", path)}, {});

  EXPECT_EQ(server.status().code(), absl::StatusCode::kUnavailable) << server.status();
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
  close(other);
  unlink(path.c_str());
}

}  // namespace
}  // namespace sluice
