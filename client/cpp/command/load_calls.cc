#include "client/cpp/command/load_calls.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/status_convert.h"
#include "core/base/mutex.h"
#include "sluice/v1/embeddings.grpc.pb.h"

namespace sluice {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(3);

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // else all channels share one connection
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

struct Call {
  grpc::ClientContext context;
  v1::EmbedRequest request;
  v1::EmbedResponse response;
  LoadCalls::Done done;
};

class GrpcLoadCalls final : public LoadCalls {
 public:
  explicit GrpcLoadCalls(std::vector<std::unique_ptr<v1::EmbeddingService::Stub>> stubs)
      : stubs_(std::move(stubs)) {}
  ~GrpcLoadCalls() override { WaitForFewerThan(1); }

  void Start(v1::EmbedRequest request, absl::Duration timeout, Done done) override {
    auto call = std::make_shared<Call>();
    call->request = std::move(request);
    call->done = std::move(done);
    call->context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
    const size_t turn = Enter() % stubs_.size();
    Call* const started = call.get();
    // The context owns a share of its channel. gRPC joins its callback threads where the last channel ends,
    // so the call ends before it is counted as left: no callback thread may hold the last share.
    stubs_[turn]->async()->Embed(&started->context, &started->request, &started->response,
                                 [this, call = std::move(call)](const grpc::Status& status) mutable {
                                   std::move(call->done)(FromGrpcStatus(status, call->context));
                                   call.reset();
                                   Leave();
                                 });
  }

  int in_flight() const override {
    MutexLock lock(mutex_);
    return in_flight_;
  }

  void WaitForFewerThan(int calls) override {
    MutexLock lock(mutex_);
    while (in_flight_ >= calls) left_.Wait(mutex_);
  }

 private:
  size_t Enter() {
    MutexLock lock(mutex_);
    ++in_flight_;
    return started_++;
  }

  void Leave() {
    MutexLock lock(mutex_);
    --in_flight_;
    left_.NotifyAll();
  }

  const std::vector<std::unique_ptr<v1::EmbeddingService::Stub>> stubs_;
  mutable Mutex mutex_;
  CondVar left_;
  size_t started_ ABSL_GUARDED_BY(mutex_) = 0;
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LoadCalls>> ConnectLoadCalls(const std::string& address, int connections) {
  std::vector<std::unique_ptr<v1::EmbeddingService::Stub>> stubs;
  const auto deadline = std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kConnectTimeout);
  for (int i = 0; i < connections; ++i) {
    const std::shared_ptr<grpc::Channel> channel = OpenChannel(address);
    if (!channel->WaitForConnected(deadline)) {
      return absl::UnavailableError(absl::StrCat("connection ", i + 1, " of ", connections, " to ", address,
                                                 " does not stand within ",
                                                 absl::FormatDuration(kConnectTimeout)));
    }
    stubs.push_back(v1::EmbeddingService::NewStub(channel));
  }
  return std::make_unique<GrpcLoadCalls>(std::move(stubs));
}

}  // namespace sluice
