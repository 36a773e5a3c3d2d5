// Where a server may not listen, and on what threads it answers.
#include "server/grpc_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "sluice/v1/embeddings.grpc.pb.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

// Left alone, gRPC unlinks the socket of a server that runs and takes its clients.
TEST(GrpcServer, DoesNotTakeOverAnothersSocket) {
  const ScratchDirectory directory;
  const std::string path = directory.File("socket");
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
std::vector<int> PoliciesOf(const std::string& thread) {
  std::vector<int> policies;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream comm(task.path() / "comm");
    std::getline(comm, name);
    if (name == thread) policies.push_back(sched_getscheduler(std::stoi(task.path().filename())));
  }
  return policies;
}

// Whoever answers calls must not break into a forward pass for each of them.
TEST(GrpcServer, HandlesCallsOnUnhurriedThreads) {
  v1::EmbeddingService::CallbackService service;
  const auto server = GrpcServer::Create({.address = "127.0.0.1:0"}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  std::vector<int> policies;
  // A thread names itself, some time after it was started.
  for (int i = 0; i < 1000 && policies.empty(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    policies = PoliciesOf("nexting_thread");
  }
  EXPECT_THAT(policies, testing::AllOf(testing::Not(testing::IsEmpty()), testing::Each(SCHED_BATCH)));
}
#endif

}  // namespace
}  // namespace sluice
