// Where a server may not listen, and on what threads it answers.
#include "server/grpc_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/metrics/service_metrics.h"
#include "server/net/ping.h"
#include "server/net/socket_address.h"
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

absl::Status PingOf(const GrpcServer& server) {
  return Ping(HostAddresses(server.address())->front(), absl::Seconds(20), [](const SocketAddress&) {});
}

std::vector<int> Sockets(int count) {
  std::vector<int> sockets;
  for (int i = 0; i < count; ++i) sockets.push_back(socket(AF_INET, SOCK_STREAM, 0));
  return sockets;
}

void Close(std::vector<int>& sockets) {
  for (const int each : sockets) close(each);
  sockets.clear();
}

TEST(GrpcServer, AnswersOnASocketOfAPathToo) {
  const ScratchDirectory scratch;
  const std::string path = scratch.File("socket");
  v1::EmbeddingService::CallbackService service;
  auto server = GrpcServer::Create({.address = absl::StrCat("unix:", path)}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_EQ(Ping(*PathAddress(path), absl::Seconds(20), [](const SocketAddress&) {}), absl::OkStatus());
  server->reset();
  EXPECT_NE(access(path.c_str(), F_OK), 0);
}

// gRPC itself would never accept again after the first accept that found no descriptor.
TEST(GrpcServer, AcceptsAgainOnceThereAreDescriptors) {
  v1::EmbeddingService::CallbackService service;
  const auto server = GrpcServer::Create({.address = "127.0.0.1:0"}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  const SocketAddress address = HostAddresses((*server)->address())->front();
  std::vector<int> clients = Sockets(8);
  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit few = {.rlim_cur = static_cast<rlim_t>(clients.back()) + 4, .rlim_max = limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  for (const int client : clients) EXPECT_EQ(connect(client, address.get(), address.size), 0);
  // What this thread may not open either, nobody can.
  std::vector<int> rest;
  for (int more = 0; (more = socket(AF_INET, SOCK_STREAM, 0)) >= 0;) rest.push_back(more);
  EXPECT_EQ(errno, EMFILE);
  Close(clients);
  EXPECT_EQ(PingOf(**server), absl::OkStatus());
  Close(rest);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(GrpcServer, ClosesConnectionsBeyondTheBoundAtOnceAndCountsThem) {
  prometheus::Registry registry;
  ServiceMetrics metrics(registry);
  v1::EmbeddingService::CallbackService service;
  const auto server = GrpcServer::Create(
      {.address = "127.0.0.1:0", .max_connections = 2, .metrics = metrics.Connections("grpc")}, {&service});
  ASSERT_TRUE(server.ok()) << server.status();
  const SocketAddress address = HostAddresses((*server)->address())->front();
  std::vector<int> clients = Sockets(2);
  for (const int client : clients) ASSERT_EQ(connect(client, address.get(), address.size), 0);
  // The first two are taken first, for the queue of a listening socket keeps the order.
  EXPECT_EQ(PingOf(**server).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(metrics.Connections("grpc").refused_total->Value(), 1);
  Close(clients);
  // Until gRPC has closed its ends.
  while (PingOf(**server).code() == absl::StatusCode::kUnavailable) {
  }
  EXPECT_EQ(PingOf(**server), absl::OkStatus());
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
  while (policies.empty()) policies = PoliciesOf("nexting_thread");
  EXPECT_THAT(policies, testing::AllOf(testing::Not(testing::IsEmpty()), testing::Each(SCHED_BATCH)));
}
#endif

}  // namespace
}  // namespace sluice
