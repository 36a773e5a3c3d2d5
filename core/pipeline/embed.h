// The embed stage: a job's text to its vector.
#pragma once

#include <memory>
#include <string>

#include "core/pipeline/batch_cache.h"
#include "core/pipeline/embed_codec.h"
#include "core/pipeline/pipeline_context.h"
#include "core/text/token_sequence.h"

namespace sluice {

// Loop thread only; `context` and `codec` must outlive it. Ends FAILED with NO_MODEL without a model,
// TEXT_TOO_LONG by the batch's own policy, otherwise as the codec or the encoder says.
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

}  // namespace sluice
