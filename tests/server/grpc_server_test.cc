// Where a server may not listen.
#include "server/grpc_server.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "sluice/v1/embeddings.grpc.pb.h"

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

#if defined(__linux__)
// Whoever answers calls must not break into a forward pass for each of them.
TEST(GrpcServer, HandlesCallsOnUnhurriedThreads) {
  v1::EmbeddingService::CallbackService service;
  const auto server = GrpcServer::Create({.address = "127.0.0.1:0"}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  int found = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name != "nexting_thread") continue;
    ++found;
    EXPECT_EQ(sched_getscheduler(std::stoi(task.path().filename())), SCHED_BATCH);
  }
  EXPECT_GE(found, 1);
}
#endif

}  // namespace
}  // namespace sluice
