#include "server/grpc_server.h"

#include <dlfcn.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/base/thread.h"
#include "server/limits.h"
#include "server/net/connection_acceptor.h"
#include "server/net/listening_sockets.h"
#include "server/net/ping.h"
#include "server/net/port_watch.h"
#include "server/rpc/deadline.h"

namespace sluice {
namespace {

constexpr absl::Duration kPingTimeout = absl::Seconds(3);

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
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
  // gRPC (1.51) would inflate a message before it looks at its size: a megabyte to a gigabyte. Nothing is
  // inflated, and a call that is compressed ends with UNIMPLEMENTED.
  builder.AddChannelArgument(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  for (const grpc_compression_algorithm algorithm : {GRPC_COMPRESS_DEFLATE, GRPC_COMPRESS_GZIP}) {
    builder.SetCompressionAlgorithmSupportStatus(algorithm, false);
  }
  // One that does not get through HTTP/2's first frames holds a place for so long.
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 20'000);
  // A client without calls connects again when it has one; its place is another's meanwhile.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 600'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
}

struct Served {
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> door;  // for connections; the server's
};

Served Serve(const GrpcServer::Options& options, const std::vector<grpc::Service*>& services) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  SetArguments(options, builder);
  using Type = grpc::ServerBuilder::experimental_type::ExternalConnectionType;
  Served served;
  served.door =
      builder.experimental().AddExternalConnectionAcceptor(Type::FROM_FD, grpc::InsecureServerCredentials());
  for (grpc::Service* service : services) builder.RegisterService(service);
  served.server = builder.BuildAndStart();
  return served;
}

ConnectionAcceptor::Take HandTo(std::shared_ptr<grpc::experimental::ExternalConnectionAcceptor> door) {
  return [door = std::move(door)](int listener, int connection) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters parameters;
    parameters.listener_fd = listener;
    parameters.fd = connection;
    door->HandleNewConnection(&parameters);
  };
}

absl::Status ReachItself(ConnectionAcceptor& acceptor) {
  return Ping(acceptor.first(), kPingTimeout, [&](const SocketAddress& from) { acceptor.Expect(from); });
}

}  // namespace

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server, std::unique_ptr<ConnectionAcceptor> acceptor,
                       std::function<void()> on_lost)
    : server_(std::move(server)),
      acceptor_(std::move(acceptor)),
      watch_(std::make_unique<PortWatch>(
          PortWatch::Options(), [this] { return ReachItself(*acceptor_); }, std::move(on_lost))) {}

GrpcServer::~GrpcServer() {
  Shutdown(absl::ZeroDuration());
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Create(const Options& options,
                                                               const std::vector<grpc::Service*>& services) {
  SLUICE_ASSIGN_OR_RETURN(ListeningSockets sockets, ListeningSockets::Open(options.address));
  if (options.reflection) SLUICE_RETURN_IF_ERROR(LoadReflection());
  Served served;
  // gRPC's threads are its own, but begin with the priority of the one that makes it start them.
  Thread starter("grpc", [&] { served = Serve(options, services); }, ThreadPriority::kUnhurried);
  starter.Join();
  if (served.server == nullptr) return absl::InternalError("gRPC did not start");
  auto acceptor = std::make_unique<ConnectionAcceptor>(
      ConnectionAcceptor::Options{.max_connections = options.max_connections, .metrics = options.metrics},
      std::move(sockets), HandTo(std::move(served.door)));
  return std::unique_ptr<GrpcServer>(
      new GrpcServer(std::move(served.server), std::move(acceptor), options.on_lost));
}

const std::string& GrpcServer::address() const {
  return acceptor_->address();
}

bool GrpcServer::reachable() const {
  return watch_->reachable();
}

bool GrpcServer::lost() const {
  return watch_->lost();
}

void GrpcServer::BeginDrain() {
  watch_->Stop();
  server_->GetHealthCheckService()->SetServingStatus(false);
}

void GrpcServer::Shutdown(absl::Duration timeout) {
  if (shut_down_) return;
  shut_down_ = true;
  watch_->Stop();
  acceptor_->Stop();
  server_->GetHealthCheckService()->Shutdown();
  server_->Shutdown(DeadlineIn(timeout));
}

std::string GrpcVersion() {
  return grpc::Version();
}

}  // namespace sluice
