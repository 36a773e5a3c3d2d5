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

// On what is known of a request whose texts nobody has looked at: an overload is answered at once, and only
// what is let in is worth decoding.
absl::StatusOr<FrontDoor::Ticket> Admit(const EmbeddingServiceParts& parts, grpc::ByteBuffer& request,
                                        absl::Duration time_left) {
  if (parts.embedder == nullptr) {
    return WithReason(absl::FailedPreconditionError("this server runs without a model and cannot embed"),
                      "NO_MODEL");
  }
  const auto bytes = static_cast<int64_t>(request.Length());
  SLUICE_RETURN_IF_ERROR(CheckRequestBytes(bytes, "send the texts in several calls"));
  return parts.door->AdmitCall(parts.load(), {.bytes = bytes,
                                              .tokens = bytes / kBytesPerToken,
                                              .time_left = time_left,
                                              .patient = CountTexts(request) > parts.max_waiting_texts});
}

absl::StatusOr<EmbedCall> Decode(grpc::ByteBuffer& request, const EmbeddingServiceParts& parts,
                                 v1::VectorEncoding& encoding) {
  v1::EmbedRequest asked;
  SLUICE_RETURN_IF_ERROR(ParseMessage(request, &asked));
  encoding = asked.encoding();
  SLUICE_ASSIGN_OR_RETURN(EmbedCall call, EmbedCallFromProto(asked));
  SLUICE_RETURN_IF_ERROR(CheckAnswerBytes(asked.texts_size(), parts.dimensions, encoding));
  return call;
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
  static EmbedReactor* Start(const EmbeddingServiceParts& parts, const Call& call, EmbedCall embed,
                             FrontDoor::Ticket ticket) {
    std::shared_ptr<EmbedReactor> reactor(new EmbedReactor(parts, call, std::move(ticket)));
    reactor->self_ = reactor;
    reactor->Embed(std::move(embed));
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
  if (absl::Status open = embed_.calls().Arrive(); !open.ok()) return embed_.Refuse(started, open, *context);
  grpc::ByteBuffer bytes = TakeBytes(*request);
  const absl::Duration time_left = TimeLeftUntil(context->raw_deadline());
  const absl::Duration deadline = parts_.rpc.clock.MonotonicNow() + time_left;
  absl::StatusOr<FrontDoor::Ticket> ticket = Admit(parts_, bytes, time_left);
  if (!ticket.ok()) return embed_.Refuse(started, ticket.status(), *context);
  v1::VectorEncoding encoding = v1::VECTOR_ENCODING_UNSPECIFIED;
  absl::StatusOr<EmbedCall> call = Decode(bytes, parts_, encoding);
  if (!call.ok()) {
    *ticket = FrontDoor::Ticket();  // before the caller hears, who may come again at once
    return embed_.Refuse(started, call.status(), *context);
  }
  call->came = started;
  call->deadline = deadline;
  return EmbedReactor::Start(parts_, {embed_, started, *context, encoding, *response}, *std::move(call),
                             *std::move(ticket));
}

}  // namespace sluice
