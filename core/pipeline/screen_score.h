// The score stage: a survivor of the gate to its verdict with both phases.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/pipeline/batch_cache.h"
#include "core/pipeline/pipeline_context.h"
#include "core/pipeline/screen_codec.h"
#include "core/pipeline/window_encode.h"
#include "core/screening/screener.h"

namespace sluice {

// What scoring needs of a batch.
struct ScoredBatch {
  std::unique_ptr<const Screener> screener;
  GatePlan plan;
  std::vector<float> profile_vector;
};

// A text over the model's limit goes in windows, whose vectors are pooled by their tokens. Without a
// model nothing is claimed for this stage. Ends FAILED with MODEL_CHANGED when the plan was made with another
// one: half a batch by each would not compare. Loop thread only; `context` and `codec` must outlive it.
class ScreenScoreStage final : public JobStage {
 public:
  ScreenScoreStage(PipelineContext& context, const ScreenCodec& codec);
  void Start(LeasePtr lease) override;

 private:
  struct Job;  // one posting under way
  using JobPtr = std::shared_ptr<Job>;
  using BatchDone = BatchCache<ScoredBatch>::Done;

  void MakeBatch(const std::string& batch_id, BatchDone made);
  void Compile(const Batch& batch, BatchDone made);
  void EncodeProfile(const std::shared_ptr<ScoredBatch>& scored, TokenWindows windows, BatchDone made);
  void Prepare(const JobPtr& job);
  absl::Status Read(Job& job, WorkBudget& budget) const;
  void Submit(const JobPtr& job);
  void Judge(const JobPtr& job, std::vector<float> vector);

  PipelineContext& context_;
  const ScreenCodec& codec_;
  BatchCache<ScoredBatch> batches_;
};

}  // namespace sluice
