#include "server/rpc/embedding_service.h"

#include <atomic>
#include <memory>
#include <utility>

#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "server/convert/batches_convert.h"
#include "server/convert/embeddings_convert.h"
#include "server/convert/wire.h"
#include "server/rpc/deadline.h"

namespace sluice {
namespace {

// Of usual prose; what is decided on it need not be exact.
constexpr int64_t kBytesPerToken = 4;

struct AdmittedCall {
  EmbedCall call;
  FrontDoor::Ticket ticket;
};

// What came is checked before it is let in; an overload is to be answered more cheaply than by this, one day,
// and need not know more than `bytes` for that.
absl::StatusOr<AdmittedCall> AdmitEmbed(const EmbeddingServiceParts& parts, const v1::EmbedRequest& request,
                                        int64_t bytes, absl::Duration time_left) {
  if (parts.embedder == nullptr) {
    return WithReason(absl::FailedPreconditionError("this server runs without a model and cannot embed"),
                      "NO_MODEL");
  }
  SLUICE_RETURN_IF_ERROR(CheckRequestBytes(bytes, "send the texts in several calls"));
  AdmittedCall admitted;
  SLUICE_ASSIGN_OR_RETURN(admitted.call, EmbedCallFromProto(request));
  SLUICE_RETURN_IF_ERROR(CheckAnswerBytes(request.texts_size(), parts.dimensions, request.encoding()));
  admitted.call.deadline = parts.rpc.clock.MonotonicNow() + time_left;
  SLUICE_ASSIGN_OR_RETURN(
      admitted.ticket,
      parts.door->AdmitCall(parts.load(), {.bytes = bytes,
                                           .tokens = bytes / kBytesPerToken,
                                           .time_left = time_left,
                                           .patient = request.texts_size() > parts.max_waiting_texts}));
  return admitted;
}

// Keeps itself until OnDone, and is kept by the embedder until that has answered, cancelled or not.
class EmbedReactor final : public grpc::ServerUnaryReactor,
                           public std::enable_shared_from_this<EmbedReactor> {
 public:
  struct Call {
    const RpcMethod& method;
    absl::Duration started;
    grpc::CallbackServerContext& context;
    v1::VectorEncoding encoding;
    grpc::ByteBuffer& response;
  };

  // The reactor to hand to gRPC; no ownership.
  static EmbedReactor* Start(const EmbeddingServiceParts& parts, const Call& call, AdmittedCall admitted) {
    std::shared_ptr<EmbedReactor> reactor(new EmbedReactor(parts, call, std::move(admitted.ticket)));
    reactor->self_ = reactor;
    reactor->Embed(std::move(admitted.call));
    return reactor.get();
  }

  void OnCancel() override { cancellation_.Cancel(); }
  void OnDone() override { const std::shared_ptr<EmbedReactor> self = std::move(self_); }

 private:
  EmbedReactor(const EmbeddingServiceParts& parts, const Call& call, FrontDoor::Ticket ticket)
      : parts_(parts), call_(call), ticket_(std::move(ticket)) {}

  void Embed(EmbedCall embed) {
    place_ = call_.method.calls().Enter([weak = weak_from_this()](const absl::Status& status) {
      const std::shared_ptr<EmbedReactor> self = weak.lock();
      if (self == nullptr) return;
      self->cancellation_.Cancel();
      self->End(status, {});
    });
    embed.cancellation = cancellation_.token();
    parts_.embedder->Embed(std::move(embed), [self = shared_from_this()](absl::StatusOr<EmbedAnswer> answer) {
      self->End(answer.status(), answer.ok() ? self->Encoded(*answer) : grpc::ByteBuffer());
    });
  }

  grpc::ByteBuffer Encoded(const EmbedAnswer& answer) const {
    v1::EmbedResponse response;
    EmbedAnswerToProto(answer, parts_.dimensions, parts_.model, call_.encoding, &response);
    return BytesOf(response);
  }

  // The first end counts: a drain may have ended the call before the embedder.
  void End(const absl::Status& status, grpc::ByteBuffer answer) {
    if (ended_.exchange(true)) return;
    ticket_ = FrontDoor::Ticket();
    call_.response.Swap(&answer);
    Finish(call_.method.Finish(call_.started, status, call_.context));
  }

  const EmbeddingServiceParts& parts_;
  const Call call_;
  CancellationSource cancellation_;
  FrontDoor::Ticket ticket_;
  OpenCalls::Place place_;
  std::atomic<bool> ended_ = false;
  std::shared_ptr<EmbedReactor> self_;  // until OnDone
};

}  // namespace

EmbeddingService::EmbeddingService(EmbeddingServiceParts parts)
    : parts_(std::move(parts)),
      embed_(parts_.rpc, v1::EmbeddingService::service_full_name(), "Embed", "unary") {}

grpc::ServerUnaryReactor* EmbeddingService::Embed(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  const absl::Duration started = embed_.Start();
  const auto bytes = static_cast<int64_t>(request->Length());
  v1::EmbedRequest asked;
  if (absl::Status read = embed_.Read(*request, &asked); !read.ok())
    return embed_.Refuse(started, read, *context);
  absl::StatusOr<AdmittedCall> admitted =
      AdmitEmbed(parts_, asked, bytes, TimeLeftUntil(context->raw_deadline()));
  if (!admitted.ok()) return embed_.Refuse(started, admitted.status(), *context);
  admitted->call.came = started;
  return EmbedReactor::Start(parts_, {embed_, started, *context, asked.encoding(), *response},
                             *std::move(admitted));
}

}  // namespace sluice
