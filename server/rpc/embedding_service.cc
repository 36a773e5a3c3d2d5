#include "server/rpc/embedding_service.h"

#include <chrono>
#include <utility>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/batches_convert.h"
#include "server/convert/embeddings_convert.h"

namespace sluice {
namespace {

// Of usual prose; what is decided on it need not be exact.
constexpr int64_t kBytesPerToken = 4;

// The call's deadline on our monotonic clock.
absl::Duration MonotonicDeadline(const grpc::CallbackServerContext& context, const Clock& clock) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteDuration();
  return clock.MonotonicNow() + absl::FromChrono(deadline - std::chrono::system_clock::now());
}

struct AdmittedCall {
  EmbedCall call;
  FrontDoor::Ticket ticket;
};

absl::StatusOr<AdmittedCall> AdmitEmbed(const EmbeddingServiceParts& parts, const v1::EmbedRequest& request,
                                        const grpc::CallbackServerContext& context, absl::Duration came) {
  if (parts.embedder == nullptr) {
    return WithReason(absl::FailedPreconditionError("this server runs without a model and cannot embed"),
                      "NO_MODEL");
  }
  const auto bytes = static_cast<int64_t>(request.ByteSizeLong());
  SLUICE_RETURN_IF_ERROR(CheckRequestBytes(bytes, "send the texts in several calls"));
  AdmittedCall admitted;
  SLUICE_ASSIGN_OR_RETURN(admitted.call, EmbedCallFromProto(request));
  admitted.call.deadline = MonotonicDeadline(context, *parts.clock);
  admitted.call.came = came;
  SLUICE_ASSIGN_OR_RETURN(
      admitted.ticket,
      parts.door->AdmitCall(parts.load(), {.bytes = bytes,
                                           .tokens = bytes / kBytesPerToken,
                                           .time_left = admitted.call.deadline - parts.clock->MonotonicNow(),
                                           .patient = request.texts_size() > parts.max_waiting_texts}));
  return admitted;
}

// Owns itself until OnDone; the embedder answers exactly once, cancelled or not.
class EmbedReactor final : public grpc::ServerUnaryReactor {
 public:
  struct Call {
    const RpcMethod& method;
    absl::Duration started;
    grpc::CallbackServerContext& context;
    v1::VectorEncoding encoding;
    v1::EmbedResponse& response;
  };

  EmbedReactor(const EmbeddingServiceParts& parts, const Call& call, AdmittedCall admitted)
      : parts_(parts), call_(call), ticket_(std::move(admitted.ticket)) {
    admitted.call.cancellation = cancellation_.token();
    parts_.embedder->Embed(std::move(admitted.call), [this](absl::StatusOr<EmbedAnswer> answer) {
      if (answer.ok())
        EmbedAnswerToProto(*answer, parts_.dimensions, parts_.model, call_.encoding, &call_.response);
      End(answer.status());
    });
  }

  void OnCancel() override { cancellation_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  void End(const absl::Status& status) {
    ticket_ = FrontDoor::Ticket();
    Finish(call_.method.Finish(call_.started, status, call_.context));
  }

  const EmbeddingServiceParts& parts_;
  const Call call_;
  CancellationSource cancellation_;
  FrontDoor::Ticket ticket_;
};

}  // namespace

EmbeddingService::EmbeddingService(EmbeddingServiceParts parts)
    : parts_(std::move(parts)),
      embed_({*parts_.metrics, *parts_.clock, *parts_.refusals}, v1::EmbeddingService::service_full_name(),
             "Embed", "unary") {}

grpc::ServerUnaryReactor* EmbeddingService::Embed(grpc::CallbackServerContext* context,
                                                  const v1::EmbedRequest* request,
                                                  v1::EmbedResponse* response) {
  const absl::Duration started = embed_.Start();
  absl::StatusOr<AdmittedCall> admitted = AdmitEmbed(parts_, *request, *context, started);
  if (!admitted.ok()) return embed_.Refuse(started, admitted.status(), *context);
  return new EmbedReactor(parts_, {embed_, started, *context, request->encoding(), *response},
                          *std::move(admitted));
}

}  // namespace sluice
