// The plan stage: a screen batch's barrier. Phase one over every posting, the gate's decision, and what
// follows from it, each step committed under the plan task's fence and each repeatable:
//
//   1. page the postings, keep a summary of each (PhaseOnePass; nothing is committed)
//   2. commit the plan, or take the one that is there
//   3. ready the survivors, best first (PlanApplication, as the next)
//   4. page the postings again, record the others' verdicts (where none goes on to the model and step 1 could
//      keep all its results, from those); a posting whose work is over the budget fails
//   5. finish the plan task
//
// A plan task that starts again after a crash computes the same summaries, takes the stored plan and repeats
// what is missing; the store skips what is done. Memory: 12 bytes a posting, two pages, and
// kept_result_bytes.
#pragma once

#include <memory>

#include "core/pipeline/pipeline_context.h"
#include "core/pipeline/screen_codec.h"

namespace sluice {

// Loop thread only; `context` and `codec` must outlive it. A posting that cannot be decoded, or whose work is
// over the budget, ends FAILED with that reason and takes no part in the gate; so does every posting of a
// batch whose profile does not compile.
class ScreenPlanStage final : public JobStage {
 public:
  ScreenPlanStage(PipelineContext& context, const ScreenCodec& codec) : context_(context), codec_(codec) {}
  void Start(LeasePtr lease) override;

 private:
  PipelineContext& context_;
  const ScreenCodec& codec_;
};

}  // namespace sluice
