#include "core/pipeline/screen_plan.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>
#include <vector>

#include "core/base/status_macros.h"
#include "core/pipeline/page_screening.h"
#include "core/pipeline/plan_lease.h"
#include "core/pipeline/posting_pages.h"

namespace sluice {
namespace {

constexpr size_t kSurvivorsPerStep = 512;
constexpr size_t kKeptPerStep = 512;

// One plan task under way. Loop thread only, but for the work it offloads, which touches nothing that the
// loop writes meanwhile.
class PlanRun : public std::enable_shared_from_this<PlanRun> {
 public:
  PlanRun(PipelineContext& context, const ScreenCodec& codec, LeasePtr lease)
      : context_(context),
        codec_(codec),
        lease_(context, std::move(lease)),
        started_(context.loop->Now()),
        all_kept_bytes_(context.kept_result_bytes) {}
  ~PlanRun() { DropKept(); }

  void Start();

 private:
  using Explained = absl::StatusOr<PhaseOneResult>;

  absl::Status Compile(const Batch& batch);
  void OnCompiled(absl::Status compiled);

  void SummarisePages();
  void SummarisePage(const PostingPage& page);
  void ExplainPage(const PostingPage& page);
  void Keep(Explained explained);
  bool AllCanBeKept() const;
  void DropKept();
  void Decide();
  void CommitPlan(const GatePlan& plan);
  void OnPlan(const std::string& stored, const std::string& offered);

  void ReadySurvivors(size_t first);
  using Explain = std::function<Explained(size_t position, WorkBudget& budget)>;
  void RecordPages();
  void Record(int64_t first_index, size_t count, Explain explain);
  void ApplyOutcomes(std::vector<NewOutcome> outcomes);
  void OnApplied(int64_t succeeded, int64_t failed);
  void Finish();

  NewOutcome OutcomeOf(int64_t job_index, Explained explained) const;
  int64_t JobIndexOf(int64_t summary) const;

  PipelineContext& context_;
  const ScreenCodec& codec_;
  const PlanLease lease_;
  const absl::Duration started_;

  absl::Time as_of_;
  GateOptions gate_;
  std::string stored_plan_;
  int64_t postings_ = 0;  // of the batch
  std::unique_ptr<const Screener> screener_;
  absl::Status broken_;  // why no posting of the batch can be screened
  std::optional<PostingPages> pages_;

  bool keeps_ = false;           // the page to come is explained at once, and the results kept
  std::vector<Explained> kept_;  // of all postings or none; an element is moved out when it is recorded
  int64_t kept_bytes_ = 0;       // counted in all_kept_bytes_ as well
  const std::shared_ptr<std::atomic<int64_t>> all_kept_bytes_;
  size_t next_kept_ = 0;

  std::vector<PhaseOneSummary> summaries_;  // of what could be screened, in order
  std::vector<int64_t> unscreened_;         // the other job indices, ascending: they fail
  GatePlan plan_;
  std::vector<int64_t> survivors_;  // job indices, best first
  std::vector<bool> survives_;      // by job index
  bool applying_ = false;           // a chunk of outcomes is being committed
  std::function<void()> after_apply_;
};

void PlanRun::Start() {
  lease_.ReadBatch([this, self = shared_from_this()](Batch batch) {
    if (batch.plan_applied || IsTerminal(batch.state)) return Finish();
    lease_.Offload([this, self, batch = std::move(batch)] {
      absl::Status compiled = Compile(batch);
      context_.loop->Post([this, self, compiled] { OnCompiled(compiled); });
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

void PlanRun::OnCompiled(absl::Status compiled) {
  if (lease_.Over()) return;
  if (!compiled.ok()) {
    broken_ = std::move(compiled);
    return CommitPlan(
        GatePlan{.policy = GatePolicy::kRulesOnly, .limited_by = "invalid_spec", .as_of = as_of_});
  }
  pages_.emplace(context_, lease_.lease());
  const bool none_goes_on = gate_.policy == GatePolicy::kRulesOnly || !context_.has_model();
  keeps_ = none_goes_on && context_.options.kept_result_bytes > 0;
  SummarisePages();
}

void PlanRun::SummarisePages() {
  pages_->Next(shared_from_this(), [this](absl::StatusOr<PostingPage> page) {
    if (lease_.Over(page.status())) return;
    if ((*page)->empty()) return Decide();
    keeps_ ? ExplainPage(*page) : SummarisePage(*page);
  });
}

void PlanRun::SummarisePage(const PostingPage& page) {
  auto answers = std::make_shared<std::vector<absl::StatusOr<PhaseOneSummary>>>(page->size());
  lease_.Sweep(
      shared_from_this(), page->size(),
      [this, page, answers](size_t position, WorkBudget& budget) {
        (*answers)[position] = SummariseJob(codec_, *screener_, as_of_, (*page)[position], budget);
      },
      [this, page, answers] {
        for (size_t i = 0; i < answers->size(); ++i) {
          if ((*answers)[i].ok()) {
            summaries_.push_back(*(*answers)[i]);
          } else {
            unscreened_.push_back((*page)[i].index);
          }
        }
        SummarisePages();
      });
}

void PlanRun::ExplainPage(const PostingPage& page) {
  auto answers = std::make_shared<std::vector<Explained>>(page->size());
  lease_.Sweep(
      shared_from_this(), page->size(),
      [this, page, answers](size_t position, WorkBudget& budget) {
        (*answers)[position] = ExplainJob(codec_, *screener_, as_of_, (*page)[position], budget);
      },
      [this, answers] {
        for (Explained& explained : *answers) Keep(std::move(explained));
        if (!AllCanBeKept()) DropKept();
        SummarisePages();
      });
}

void PlanRun::Keep(Explained explained) {
  const int64_t bytes = static_cast<int64_t>(sizeof(Explained)) + (explained.ok() ? MemoryOf(*explained) : 0);
  kept_bytes_ += bytes;
  all_kept_bytes_->fetch_add(bytes);
  if (explained.ok()) {
    summaries_.push_back(explained->summary);
  } else {
    unscreened_.push_back(static_cast<int64_t>(kept_.size()));
  }
  kept_.push_back(std::move(explained));
}

// As far as those so far tell.
bool PlanRun::AllCanBeKept() const {
  const int64_t others = all_kept_bytes_->load() - kept_bytes_;
  const double share = static_cast<double>(kept_.size()) / static_cast<double>(postings_);
  return static_cast<double>(kept_bytes_) <=
         share * static_cast<double>(context_.options.kept_result_bytes - others);
}

void PlanRun::DropKept() {
  keeps_ = false;
  all_kept_bytes_->fetch_sub(std::exchange(kept_bytes_, 0));
  std::vector<Explained>().swap(kept_);
}

void PlanRun::Decide() {
  if (!stored_plan_.empty()) return OnPlan(stored_plan_, "");
  lease_.OffloadUnlessFew(summaries_.size(), [this, self = shared_from_this()] {
    GateDecision decision =
        DecideGate(gate_, summaries_, context_.has_model(), context_.options.model_digest, as_of_);
    const int64_t steps = kStepsPerDecision * static_cast<int64_t>(summaries_.size());
    // Once it is posted, the loop's thread goes on with what is this task's.
    context_.loop->Post([this, self, plan = std::move(decision.plan)] { CommitPlan(plan); });
    return steps;
  });
}

void PlanRun::CommitPlan(const GatePlan& plan) {
  std::string offered = codec_.EncodePlan(plan);
  lease_.CommitPlan(offered, [this, self = shared_from_this(), offered](const std::string& stored) {
    OnPlan(stored, offered);
  });
}

// The stored plan rules, also over the one just decided: another attempt may have committed it first.
void PlanRun::OnPlan(const std::string& stored, const std::string& offered) {
  if (lease_.Over()) return;
  absl::StatusOr<GatePlan> plan = codec_.DecodePlan(stored);
  if (!plan.ok() && broken_.ok()) broken_ = plan.status();
  if (!broken_.ok()) {
    DropKept();
    pages_.emplace(context_, lease_.lease());
    return RecordPages();
  }
  plan_ = *std::move(plan);
  if (std::exchange(as_of_, plan_.as_of) != plan_.as_of) DropKept();  // explained as of another moment
  if (stored == offered) context_.meters->CountGate(plan_);
  lease_.OffloadUnlessFew(summaries_.size(), [this, self = shared_from_this()] {
    survivors_ = SurvivorsOf(plan_, summaries_);
    survives_.assign(summaries_.size() + unscreened_.size(), false);
    for (int64_t& survivor : survivors_) {
      survivor = JobIndexOf(survivor);
      survives_[survivor] = true;
    }
    std::vector<PhaseOneSummary>().swap(summaries_);
    const int64_t steps = kStepsPerDecision * static_cast<int64_t>(survives_.size());
    context_.loop->Post([this, self] { ReadySurvivors(0); });
    return steps;
  });
}

void PlanRun::ReadySurvivors(size_t first) {
  if (lease_.Over()) return;
  if (first == survivors_.size()) {
    if (survivors_.size() == survives_.size()) return Finish();
    pages_.emplace(context_, lease_.lease(), static_cast<int64_t>(kept_.size()));
    return RecordPages();
  }
  const size_t end = std::min(first + kSurvivorsPerStep, survivors_.size());
  std::vector<PlannedJob> chunk;
  for (size_t rank = first; rank < end; ++rank) chunk.push_back({survivors_[rank], static_cast<int>(rank)});
  lease_.ApplyPlan({}, std::move(chunk), [this, self = shared_from_this(), end] { ReadySurvivors(end); });
}

void PlanRun::RecordPages() {
  if (next_kept_ < kept_.size()) {
    const size_t first = next_kept_;
    next_kept_ = std::min(kept_.size(), first + kKeptPerStep);
    return Record(static_cast<int64_t>(first), next_kept_ - first,
                  [this, first](size_t position, WorkBudget&) { return std::move(kept_[first + position]); });
  }
  pages_->Next(shared_from_this(), [this](absl::StatusOr<PostingPage> page) {
    if (lease_.Over(page.status())) return;
    if (!(*page)->empty()) {
      return Record((*page)->front().index, (*page)->size(),
                    [this, page = *page](size_t position, WorkBudget& budget) {
                      if (!broken_.ok()) return Explained(broken_);
                      return ExplainJob(codec_, *screener_, as_of_, (*page)[position], budget);
                    });
    }
    if (!applying_) return Finish();
    after_apply_ = [this] { Finish(); };
  });
}

// Encodes these verdicts while those before are being committed.
void PlanRun::Record(int64_t first_index, size_t count, Explain explain) {
  auto outcomes = std::make_shared<std::vector<NewOutcome>>(count);
  lease_.Sweep(
      shared_from_this(), count,
      [this, first_index, outcomes, explain = std::move(explain)](size_t position, WorkBudget& budget) {
        const auto index = static_cast<size_t>(first_index) + position;
        (*outcomes)[position].job_index = kPlanTask;
        if (index >= survives_.size() || !survives_[index])
          (*outcomes)[position] = OutcomeOf(static_cast<int64_t>(index), explain(position, budget));
      },
      [this, outcomes] {
        outcomes->erase(
            std::remove_if(outcomes->begin(), outcomes->end(),
                           [](const NewOutcome& outcome) { return outcome.job_index == kPlanTask; }),
            outcomes->end());
        if (outcomes->empty()) return RecordPages();
        if (!applying_) return ApplyOutcomes(std::move(*outcomes));
        after_apply_ = [this, outcomes] { ApplyOutcomes(std::move(*outcomes)); };
      });
}

NewOutcome PlanRun::OutcomeOf(int64_t job_index, Explained explained) const {
  NewOutcome outcome =
      explained.ok() ? VerdictOutcome(codec_, screener_->VerdictWithoutModel(plan_, *std::move(explained)))
                     : FailedOutcome(explained.status());
  outcome.job_index = job_index;
  return outcome;
}

void PlanRun::ApplyOutcomes(std::vector<NewOutcome> outcomes) {
  applying_ = true;
  const auto recorded = static_cast<int64_t>(outcomes.size());
  const int64_t failed = std::count_if(outcomes.begin(), outcomes.end(), [](const NewOutcome& outcome) {
    return outcome.kind == OutcomeKind::kFailed;
  });
  lease_.ApplyPlan(std::move(outcomes), {}, [this, self = shared_from_this(), recorded, failed] {
    OnApplied(recorded - failed, failed);
  });
  RecordPages();
}

void PlanRun::OnApplied(int64_t succeeded, int64_t failed) {
  applying_ = false;
  const absl::Duration now = context_.loop->Now();
  context_.meters->CountRecorded(JobKind::kScreen, OutcomeKind::kFailed, now, failed);
  context_.meters->CountRecorded(JobKind::kScreen, OutcomeKind::kSucceeded, now, succeeded);
  if (after_apply_) std::exchange(after_apply_, nullptr)();
}

void PlanRun::Finish() {
  lease_.FinishPlan([this, self = shared_from_this()] {
    context_.meters->ObserveStage(Stage::kPlan, context_.loop->Now() - started_);
    context_.sink->Drop(lease_.lease());
  });
}

// Summaries leave the undecodable jobs out: the n-th summary belongs to the n-th index that is not among
// them.
int64_t PlanRun::JobIndexOf(int64_t summary) const {
  int64_t index = summary;
  while (true) {
    const auto skipped =
        std::upper_bound(unscreened_.begin(), unscreened_.end(), index) - unscreened_.begin();
    if (summary + skipped == index) return index;
    index = summary + skipped;
  }
}

}  // namespace

void ScreenPlanStage::Start(LeasePtr lease) {
  std::make_shared<PlanRun>(context_, codec_, std::move(lease))->Start();
}

}  // namespace sluice
