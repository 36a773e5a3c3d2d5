#include "server/grpc_server.h"

#include <dlfcn.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "server/limits.h"

namespace sluice {
namespace {

// Linked, the library would switch reflection on for every server; loaded, it does from then on.
absl::Status LoadReflection() {
  if (dlopen(SLUICE_REFLECTION_LIBRARY, RTLD_NOW | RTLD_GLOBAL) != nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("--reflection: ", dlerror()));
}

void SetArguments(const GrpcServer::Options& options, grpc::ServerBuilder& builder) {
  grpc::ResourceQuota quota("sluiced");
  quota.Resize(static_cast<size_t>(options.memory_quota_bytes));
  builder.SetResourceQuota(quota);
  builder.SetMaxReceiveMessageSize(static_cast<int>(kMaxReceiveBytes));
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // else a second server shares the port silently
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
}

std::unique_ptr<grpc::Server> Serve(const GrpcServer::Options& options,
                                    const std::vector<grpc::Service*>& services, int& port) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  SetArguments(options, builder);
  builder.AddListeningPort(options.address, grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  return builder.BuildAndStart();
}

// gRPC would unlink another server's socket and listen in its place.
bool SomebodyListensOn(absl::string_view path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  if (socket < 0) return false;
  const bool listens = connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(socket);
  return listens;
}

absl::Status AddressInUse(absl::string_view address) {
  return absl::UnavailableError(absl::StrCat(
      "cannot listen on ", address, ": it is in use by another process, or no address of this machine"));
}

}  // namespace

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server, std::string address)
    : server_(std::move(server)), address_(std::move(address)) {}

GrpcServer::~GrpcServer() {
  Shutdown(absl::ZeroDuration());
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Create(const Options& options,
                                                               const std::vector<grpc::Service*>& services) {
  absl::string_view path = options.address;
  const bool is_path = absl::ConsumePrefix(&path, "unix:");
  if (is_path && SomebodyListensOn(path)) return AddressInUse(options.address);
  if (options.reflection) SLUICE_RETURN_IF_ERROR(LoadReflection());
  std::unique_ptr<grpc::Server> server;
  int port = 0;
  // gRPC's threads are its own, but begin with the priority of the one that makes it start them.
  Thread starter("grpc", [&] { server = Serve(options, services, port); }, ThreadPriority::kUnhurried);
  starter.Join();
  if (server == nullptr || port == 0) return AddressInUse(options.address);
  std::string address = options.address;
  if (!is_path) address = absl::StrCat(address.substr(0, address.rfind(':') + 1), port);
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(server), std::move(address)));
}

void GrpcServer::BeginDrain() {
  server_->GetHealthCheckService()->SetServingStatus(false);
}

void GrpcServer::Shutdown(absl::Duration timeout) {
  if (shut_down_) return;
  shut_down_ = true;
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
}

std::string GrpcVersion() {
  return grpc::Version();
}

}  // namespace sluice
