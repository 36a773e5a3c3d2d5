// PipelineBody: the pipeline without its thread, for whoever turns its loop: the thread that Pipeline::Create
// starts, or a simulation in virtual time.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/pipeline/job_source.h"
#include "core/pipeline/pipeline_context.h"
#include "core/pipeline/pipeline_options.h"

namespace sluice {

// Thread-safe but for the loop's turns, which are one thread's. Nothing here blocks or happens between turns.
class PipelineBody {
 public:
  // INVALID_ARGUMENT names the option out of range or the part that lacks.
  static absl::Status Check(const PipelineOptions& options, const PipelineParts& parts);

  using MoreStages = std::map<Stage, std::function<std::unique_ptr<JobStage>(PipelineContext& context)>>;

  // Both checked; what `parts` names must outlive it. `more`: the work of stages that are not built in.
  PipelineBody(PipelineOptions options, const PipelineParts& parts, const MoreStages& more = {});
  // Ends at once: what was not committed is left to the next session. Waits for offloaded work that has
  // begun. No turn of the loop may run any more.
  ~PipelineBody();

  // Works under `session`, opened by a call sent at `sent` (monotonic).
  void Start(SessionId session, absl::Duration sent);

  // There may be something to claim.
  void OnReady();
  void OnBatchEnded(const std::string& batch_id);

  // Claims no more and calls `drained`, in a turn, once no lease is left and the session is closed.
  void Drain(Closure drained);
  // Closes the session whatever is under way; `closed` is called in a turn.
  void CloseSession(Closure closed);

  PipelineLoop& loop() { return *context_.loop; }
  double JobsPerSecond() const { return context_.meters->JobsPerSecond(context_.loop->Now()); }

 private:
  static PipelineContext MakeContext(PipelineOptions options, const PipelineParts& parts);
  static JobSource::Stages MakeStages(PipelineContext& context, const MoreStages& more);
  void Upkeep();

  PipelineContext context_;
  JobSource source_;
  std::atomic<bool> ready_posted_ = false;
};

}  // namespace sluice
