#include "server/rpc/embedding_service.h"

#include <chrono>
#include <utility>

#include "core/base/error_details.h"
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

// Owns itself until OnDone; the embedder answers exactly once, cancelled or not.
class EmbedReactor final : public grpc::ServerUnaryReactor {
 public:
  EmbedReactor(const EmbeddingServiceParts& parts, const RpcMethod& method,
               grpc::CallbackServerContext* context, const v1::EmbedRequest& request,
               v1::EmbedResponse* response)
      : parts_(parts),
        method_(method),
        context_(context),
        response_(response),
        encoding_(request.encoding()),
        started_(method.Start()) {
    Begin(request);
  }

  void OnCancel() override { cancellation_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  void Begin(const v1::EmbedRequest& request) {
    if (parts_.embedder == nullptr) {
      return End(WithReason(
          absl::FailedPreconditionError("this server runs without a model and cannot embed"), "NO_MODEL"));
    }
    const auto bytes = static_cast<int64_t>(request.ByteSizeLong());
    if (absl::Status size = CheckRequestBytes(bytes, "send the texts in several calls"); !size.ok())
      return End(size);
    absl::StatusOr<EmbedCall> call = EmbedCallFromProto(request);
    if (!call.ok()) return End(call.status());
    call->deadline = MonotonicDeadline(*context_, *parts_.clock);
    call->came = started_;
    absl::StatusOr<FrontDoor::Ticket> ticket =
        parts_.door->AdmitCall(parts_.load(), {.bytes = bytes,
                                               .tokens = bytes / kBytesPerToken,
                                               .time_left = call->deadline - parts_.clock->MonotonicNow(),
                                               .patient = request.texts_size() > parts_.max_waiting_texts});
    if (!ticket.ok()) return End(ticket.status());
    ticket_ = *std::move(ticket);
    call->cancellation = cancellation_.token();
    parts_.embedder->Embed(*std::move(call), [this](absl::StatusOr<EmbedAnswer> answer) {
      if (!answer.ok()) return End(answer.status());
      EmbedAnswerToProto(*answer, parts_.dimensions, parts_.model, encoding_, response_);
      End(absl::OkStatus());
    });
  }

  void End(const absl::Status& status) {
    ticket_ = FrontDoor::Ticket();
    Finish(method_.Finish(started_, status, *context_));
  }

  const EmbeddingServiceParts& parts_;
  const RpcMethod& method_;
  grpc::CallbackServerContext* const context_;
  v1::EmbedResponse* const response_;
  const v1::VectorEncoding encoding_;
  const absl::Duration started_;
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
  return new EmbedReactor(parts_, embed_, context, *request, response);
}

}  // namespace sluice
