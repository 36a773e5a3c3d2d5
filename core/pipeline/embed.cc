#include <memory>
#include <string>
#include <utility>

#include "core/pipeline/batch_cache.h"
#include "core/pipeline/embed_codec.h"
#include "core/pipeline/job_stages.h"
#include "core/pipeline/stage_ends.h"
#include "core/pipeline/store_call.h"
#include "core/pipeline/window_encode.h"
#include "core/text/token_sequence.h"

namespace sluice {
namespace {

constexpr int kMaxSpecs = 64;

// What work off the loop takes, roughly, for the batches' fair turns.
constexpr int64_t kStepsPerByte = 8;  // tokenized
constexpr int64_t kStepsPerVector = 4'000;

class EmbedStage final : public JobStage {
 public:
  EmbedStage(PipelineContext& context, const EmbedCodec& codec);
  void Start(LeasePtr lease) override;

 private:
  void MakeSpec(const std::string& batch_id, BatchCache<EmbedSpec>::Done made);
  void Tokenize(const LeasePtr& lease, Truncation truncation);
  void Submit(const LeasePtr& lease, TokenSequence sequence);
  void Record(const LeasePtr& lease, std::vector<float> vector, int64_t tokens, bool truncated);

  PipelineContext& context_;
  const EmbedCodec& codec_;
  BatchCache<EmbedSpec> specs_;
};

EmbedStage::EmbedStage(PipelineContext& context, const EmbedCodec& codec)
    : context_(context),
      codec_(codec),
      specs_(kMaxSpecs, [this](const std::string& batch_id, BatchCache<EmbedSpec>::Done made) {
        MakeSpec(batch_id, std::move(made));
      }) {}

void EmbedStage::Start(LeasePtr lease) {
  if (!context_.has_model()) return context_.sink->Finish(lease, FailedOutcome(NoModelError()));
  specs_.Get(lease->claim.batch_id, [this, lease](BatchCache<EmbedSpec>::Answer spec) {
    if (!spec.ok()) return EndUnread(context_, lease, spec.status());
    Tokenize(lease, (*spec)->truncation);
  });
}

void EmbedStage::MakeSpec(const std::string& batch_id, BatchCache<EmbedSpec>::Done made) {
  context_.parts.queue->ReadBatch(batch_id,
                                  context_.loop->Answer<absl::StatusOr<Batch>>(
                                      [this, made = std::move(made)](absl::StatusOr<Batch> batch) mutable {
                                        if (!batch.ok()) return std::move(made)(batch.status());
                                        absl::StatusOr<EmbedSpec> spec = codec_.DecodeEmbedSpec(batch->spec);
                                        if (!spec.ok()) return std::move(made)(spec.status());
                                        std::move(made)(std::make_shared<const EmbedSpec>(*spec));
                                      }));
}

void EmbedStage::Tokenize(const LeasePtr& lease, Truncation truncation) {
  context_.loop->Offload(lease->claim.batch_id, [this, lease, truncation] {
    absl::StatusOr<TokenSequence> sequence = absl::CancelledError("no longer wanted");
    if (lease->stop == StopReason::kNone) {
      absl::StatusOr<std::string> text = codec_.DecodeText(lease->claim.payload);
      if (text.ok()) {
        sequence = context_.parts.tokenizer->Encode(*text, context_.options.max_tokens, truncation);
      } else {
        sequence = text.status();
      }
    }
    const int64_t steps = kStepsPerByte * static_cast<int64_t>(lease->claim.payload.size());
    context_.loop->Post([this, lease, sequence = std::move(sequence)]() mutable {
      if (lease->stop != StopReason::kNone) return context_.sink->Stop(lease);
      if (!sequence.ok()) return context_.sink->Finish(lease, FailedOutcome(sequence.status()));
      Submit(lease, *std::move(sequence));
    });
    return steps;
  });
}

void EmbedStage::Submit(const LeasePtr& lease, TokenSequence sequence) {
  const auto tokens = static_cast<int64_t>(sequence.ids.size());
  const bool truncated = sequence.truncated;
  TokenWindows window;
  window.push_back(std::move(sequence.ids));
  const absl::Status submitted =
      EncodeWindows(*context_.loop, *context_.parts.scheduler, std::move(window), lease->cancellation.token(),
                    [this, lease, tokens, truncated](absl::StatusOr<std::vector<float>> vector) {
                      if (!vector.ok()) return EndUnencoded(context_, lease, vector.status());
                      Record(lease, *std::move(vector), tokens, truncated);
                    });
  if (!submitted.ok()) return EndRefused(context_, lease, submitted);
  context_.sink->Submitted(lease, tokens);
}

void EmbedStage::Record(const LeasePtr& lease, std::vector<float> vector, int64_t tokens, bool truncated) {
  context_.loop->Offload(lease->claim.batch_id, [this, lease, vector = std::move(vector), tokens, truncated] {
    NewOutcome outcome{.kind = OutcomeKind::kSucceeded};
    outcome.result = codec_.EncodeVector(vector, tokens, truncated);
    context_.loop->Post([this, lease, outcome = std::move(outcome)]() mutable {
      context_.sink->Finish(lease, std::move(outcome));
    });
    return kStepsPerVector;
  });
}

}  // namespace

std::unique_ptr<JobStage> MakeEmbedStage(PipelineContext& context) {
  return std::make_unique<EmbedStage>(context, *context.parts.embed_codec);
}

}  // namespace sluice
