#include "client/cpp/command/load_calls.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cpp/deadline.h"
#include "client/cpp/server_address.h"
#include "client/cpp/status_convert.h"
#include "core/base/mutex.h"
#include "core/base/status_macros.h"
#include "sluice/v1/batches.grpc.pb.h"
#include "sluice/v1/embeddings.grpc.pb.h"

namespace sluice {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(3);

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // else all channels share one connection
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments);
}

template <typename Request, typename Response>
struct Call {
  grpc::ClientContext context;
  Request request;
  Response response;
  LoadCalls::Done done;
};

// Of one connection.
struct Stubs {
  std::unique_ptr<v1::EmbeddingService::Stub> embeddings;
  std::unique_ptr<v1::BatchService::Stub> batches;
};

class GrpcLoadCalls final : public LoadCalls {
 public:
  explicit GrpcLoadCalls(std::vector<Stubs> stubs) : stubs_(std::move(stubs)) {}
  ~GrpcLoadCalls() override { WaitForFewerThan(1); }

  void Start(v1::EmbedRequest request, absl::Duration timeout, Done done) override {
    auto call = NewCall<v1::EmbedResponse>(std::move(request), timeout, std::move(done));
    auto* const started = call.get();
    NextStubs().embeddings->async()->Embed(&started->context, &started->request, &started->response,
                                           Ending(std::move(call)));
  }

  void StartBatch(v1::CreateBatchRequest request, absl::Duration timeout, Done done) override {
    auto call = NewCall<v1::Batch>(std::move(request), timeout, std::move(done));
    auto* const started = call.get();
    NextStubs().batches->async()->CreateBatch(&started->context, &started->request, &started->response,
                                              Ending(std::move(call)));
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
  template <typename Response, typename Request>
  static std::shared_ptr<Call<Request, Response>> NewCall(Request request, absl::Duration timeout,
                                                          Done done) {
    auto call = std::make_shared<Call<Request, Response>>();
    call->request = std::move(request);
    call->done = std::move(done);
    call->context.set_deadline(DeadlineAfter(timeout));
    return call;
  }

  // The context owns a share of its channel. gRPC joins its callback threads where the last channel ends, so
  // the call ends before it is counted as left: no callback thread may hold the last share.
  template <typename AnyCall>
  std::function<void(grpc::Status)> Ending(std::shared_ptr<AnyCall> call) {
    return [this, ended = std::move(call)](const grpc::Status& status) mutable {
      std::move(ended->done)(FromGrpcStatus(status, ended->context));
      ended.reset();
      Leave();
    };
  }

  const Stubs& NextStubs() {
    MutexLock lock(mutex_);
    ++in_flight_;
    return stubs_[started_++ % stubs_.size()];
  }

  void Leave() {
    MutexLock lock(mutex_);
    --in_flight_;
    left_.NotifyAll();
  }

  const std::vector<Stubs> stubs_;
  mutable Mutex mutex_;
  CondVar left_;
  size_t started_ ABSL_GUARDED_BY(mutex_) = 0;
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<LoadCalls>> ConnectLoadCalls(const std::string& address, int connections) {
  SLUICE_ASSIGN_OR_RETURN(const std::string target, ChannelTarget(address));
  std::vector<Stubs> stubs;
  const gpr_timespec deadline = DeadlineAfter(kConnectTimeout);
  for (int i = 0; i < connections; ++i) {
    const std::shared_ptr<grpc::Channel> channel = OpenChannel(target);
    if (!channel->WaitForConnected(deadline)) {
      return absl::UnavailableError(absl::StrCat("connection ", i + 1, " of ", connections, " to ", address,
                                                 " does not stand within ",
                                                 absl::FormatDuration(kConnectTimeout)));
    }
    stubs.push_back({v1::EmbeddingService::NewStub(channel), v1::BatchService::NewStub(channel)});
  }
  return std::make_unique<GrpcLoadCalls>(std::move(stubs));
}

}  // namespace sluice
