#include <memory>
#include <string>
#include <utility>

#include "core/base/status_macros.h"
#include "core/pipeline/job_stages.h"
#include "core/pipeline/page_screening.h"
#include "core/pipeline/phase_one_pass.h"
#include "core/pipeline/plan_application.h"
#include "core/pipeline/plan_lease.h"
#include "core/pipeline/screen_codec.h"

namespace sluice {
namespace {

// One plan task under way: its steps, each of which calls the next. Where the lease is over, nothing calls
// the next, and the run goes with what was under way. Loop thread only, but for the work it offloads, which
// touches nothing that the loop writes meanwhile.
class PlanRun : public std::enable_shared_from_this<PlanRun> {
 public:
  PlanRun(PlanLease lease, const ScreenCodec& codec)
      : lease_(std::move(lease)), context_(lease_.context()), codec_(codec), started_(context_.loop->Now()) {}

  void ReadBatch();

 private:
  absl::Status Compile(const Batch& batch);
  void ScreenPostings(absl::Status compiled);
  void Decide(PhaseOneAnswers answers);
  void CommitPlan(const GatePlan& plan);
  void ApplyPlan(const std::string& stored, const std::string& offered);
  void Finish();

  const PlanLease lease_;
  PipelineContext& context_;
  const ScreenCodec& codec_;
  const absl::Duration started_;

  absl::Time as_of_;
  int64_t postings_ = 0;
  std::string stored_plan_;  // "" unless an earlier attempt committed it
  GateOptions gate_;
  std::shared_ptr<const Screener> screener_;
  absl::Status broken_;  // why no posting of the batch can be screened
  PhaseOneAnswers answers_;
};

void PlanRun::ReadBatch() {
  lease_.ReadBatch([this, self = shared_from_this()](Batch batch) {
    if (batch.plan_applied || IsTerminal(batch.state)) return Finish();
    lease_.Offload([this, self, batch = std::move(batch)] {
      absl::Status compiled = Compile(batch);
      context_.loop->Post([this, self, compiled] { ScreenPostings(compiled); });
      return StepsToCompile(batch.spec.size());
    });
  });
}

absl::Status PlanRun::Compile(const Batch& batch) {
  as_of_ = batch.as_of;
  postings_ = batch.counts.jobs;
  stored_plan_ = batch.plan;
  SLUICE_ASSIGN_OR_RETURN(const ScreenSpec spec, codec_.DecodeScreenSpec(batch.spec));
  gate_ = spec.gate;
  SLUICE_ASSIGN_OR_RETURN(screener_, Screener::Compile(spec.profile));
  return absl::OkStatus();
}

// A batch that cannot be screened gets a plan as well: it says why none of its postings was looked at.
void PlanRun::ScreenPostings(absl::Status compiled) {
  if (lease_.Over()) return;
  broken_ = std::move(compiled);
  if (!broken_.ok()) {
    return CommitPlan({.policy = GatePolicy::kRulesOnly, .limited_by = "invalid_spec", .as_of = as_of_});
  }
  // Where none goes on to the model every verdict is made of phase one's results: those are worth keeping.
  const bool none_goes_on = gate_.policy == GatePolicy::kRulesOnly || !context_.has_model();
  KeptResults kept(postings_, none_goes_on ? context_.options.kept_result_bytes : 0,
                   context_.kept_result_bytes);
  PhaseOnePass::Run(
      lease_, {.codec = codec_, .screener = screener_, .as_of = as_of_}, std::move(kept),
      [this, self = shared_from_this()](PhaseOneAnswers answers) { Decide(std::move(answers)); });
}

void PlanRun::Decide(PhaseOneAnswers answers) {
  answers_ = std::move(answers);
  if (!stored_plan_.empty()) return ApplyPlan(stored_plan_, "");
  const size_t postings = answers_.summaries.size();
  lease_.OffloadUnlessFew(postings, [this, self = shared_from_this(), postings] {
    GateDecision decision =
        DecideGate(gate_, answers_.summaries, context_.has_model(), context_.options.model_digest, as_of_);
    // Once it is posted, the loop's thread goes on with what is this task's.
    context_.loop->Post([this, self, plan = std::move(decision.plan)] { CommitPlan(plan); });
    return kStepsPerDecision * static_cast<int64_t>(postings);
  });
}

// Before any of its consequences: they can be computed again from it alone, in whatever state a crash left
// them.
void PlanRun::CommitPlan(const GatePlan& plan) {
  std::string offered = codec_.EncodePlan(plan);
  lease_.CommitPlan(offered, [this, self = shared_from_this(), offered](const std::string& stored) {
    ApplyPlan(stored, offered);
  });
}

// The stored plan rules, also over the one just decided: another attempt may have committed it first.
void PlanRun::ApplyPlan(const std::string& stored, const std::string& offered) {
  absl::StatusOr<GatePlan> plan = broken_.ok() ? codec_.DecodePlan(stored) : broken_;
  if (plan.ok() && stored == offered) context_.meters->CountGate(*plan);
  PlanApplication::Run(
      lease_,
      {.codec = codec_, .screener = screener_, .plan = std::move(plan), .answers = std::move(answers_)},
      [this, self = shared_from_this()] { Finish(); });
}

void PlanRun::Finish() {
  lease_.FinishPlan([this, self = shared_from_this()] {
    context_.meters->ObserveStage(Stage::kPlan, context_.loop->Now() - started_);
    context_.sink->Drop(lease_.lease());
  });
}

class ScreenPlanStage final : public JobStage {
 public:
  ScreenPlanStage(PipelineContext& context, const ScreenCodec& codec) : context_(context), codec_(codec) {}
  void Start(LeasePtr lease) override;

 private:
  PipelineContext& context_;
  const ScreenCodec& codec_;
};

void ScreenPlanStage::Start(LeasePtr lease) {
  std::make_shared<PlanRun>(PlanLease(context_, std::move(lease)), codec_)->ReadBatch();
}

}  // namespace

std::unique_ptr<JobStage> MakeScreenPlanStage(PipelineContext& context) {
  return std::make_unique<ScreenPlanStage>(context, *context.parts.screen_codec);
}

}  // namespace sluice
