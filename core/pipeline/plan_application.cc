#include "core/pipeline/plan_application.h"

#include <algorithm>
#include <utility>

#include "core/pipeline/page_screening.h"

namespace sluice {
namespace {

constexpr size_t kSurvivorsPerStep = 512;
constexpr size_t kKeptPerStep = 512;
constexpr int64_t kNoJob = -1;  // of an outcome that is none: its posting survives

int64_t JobIndexOf(int64_t summary, const std::vector<int64_t>& unscreened) {
  int64_t index = summary;
  while (true) {
    const auto skipped = std::upper_bound(unscreened.begin(), unscreened.end(), index) - unscreened.begin();
    if (summary + skipped == index) return index;
    index = summary + skipped;
  }
}

int64_t CountFailed(const std::vector<NewOutcome>& outcomes) {
  return std::count_if(outcomes.begin(), outcomes.end(),
                       [](const NewOutcome& outcome) { return outcome.kind == OutcomeKind::kFailed; });
}

}  // namespace

SurvivingJobs SurvivorsAmongJobs(const GatePlan& plan, const std::vector<PhaseOneSummary>& summaries,
                                 const std::vector<int64_t>& unscreened) {
  SurvivingJobs jobs{.best_first = SurvivorsOf(plan, summaries)};
  jobs.survives.assign(summaries.size() + unscreened.size(), false);
  for (int64_t& survivor : jobs.best_first) {
    survivor = JobIndexOf(survivor, unscreened);
    jobs.survives[static_cast<size_t>(survivor)] = true;
  }
  return jobs;
}

void PlanApplication::Run(PlanLease lease, Input input, Closure then) {
  const std::shared_ptr<PlanApplication> application(
      new PlanApplication(std::move(lease), std::move(input), std::move(then)));
  application->Start();
}

PlanApplication::PlanApplication(PlanLease lease, Input input, Closure then)
    : lease_(std::move(lease)), input_(std::move(input)), then_(std::move(then)) {}

void PlanApplication::Start() {
  PhaseOneAnswers& answers = input_.answers;
  // Kept results are as of the pass's moment; the stored plan's is another when an earlier attempt made it.
  if (!input_.plan.ok() || input_.plan->as_of != answers.as_of) answers.kept.Drop();
  if (!input_.plan.ok()) return RecordFrom(0);
  lease_.OffloadUnlessFew(answers.summaries.size(), [this, &answers, self = shared_from_this()] {
    jobs_ = SurvivorsAmongJobs(*input_.plan, answers.summaries, answers.unscreened);
    std::vector<PhaseOneSummary>().swap(answers.summaries);
    const int64_t steps = kStepsPerDecision * static_cast<int64_t>(jobs_.survives.size());
    // Once it is posted, the loop's thread goes on with what is this application's.
    lease_.context().loop->Post([this, self] { ReadySurvivors(0); });
    return steps;
  });
}

// Before the others' verdicts are recorded: the model starts on the best while those are still encoded.
void PlanApplication::ReadySurvivors(size_t first) {
  if (lease_.Over()) return;
  const std::vector<int64_t>& survivors = jobs_.best_first;
  if (first == survivors.size()) {
    if (survivors.size() == jobs_.survives.size()) return std::move(then_)();
    return RecordFrom(static_cast<int64_t>(input_.answers.kept.size()));
  }
  const size_t end = std::min(first + kSurvivorsPerStep, survivors.size());
  std::vector<PlannedJob> chunk;
  for (size_t rank = first; rank < end; ++rank)
    chunk.push_back({survivors[rank], static_cast<int>(rank), Stage::kScore});
  lease_.ApplyPlan({}, std::move(chunk), [this, self = shared_from_this(), end] { ReadySurvivors(end); });
}

void PlanApplication::RecordFrom(int64_t first_unkept) {
  pages_.emplace(lease_.context(), lease_.lease(), first_unkept);
  RecordNext();
}

void PlanApplication::RecordNext() {
  if (next_kept_ < input_.answers.kept.size()) return RecordKept();
  pages_->Next(shared_from_this(), [this](absl::StatusOr<PostingPage> page) {
    if (lease_.Over(page.status())) return;
    if (!(*page)->empty()) return RecordPage(*page);
    if (!applying_) return std::move(then_)();
    after_apply_ = [this] { std::move(then_)(); };
  });
}

void PlanApplication::RecordKept() {
  const size_t first = next_kept_;
  next_kept_ = std::min(input_.answers.kept.size(), first + kKeptPerStep);
  Encode(static_cast<int64_t>(first), next_kept_ - first,
         [this, first](size_t position, WorkBudget&) { return input_.answers.kept.Take(first + position); });
}

void PlanApplication::RecordPage(const PostingPage& page) {
  Encode(page->front().index, page->size(), [this, page](size_t position, WorkBudget& budget) {
    if (!input_.plan.ok()) return Explained(input_.plan.status());
    return ExplainJob(input_.codec, *input_.screener, input_.plan->as_of, (*page)[position], budget);
  });
}

void PlanApplication::Encode(int64_t first_index, size_t count, Explain explain) {
  auto outcomes = std::make_shared<std::vector<NewOutcome>>(count);
  lease_.Sweep(
      shared_from_this(), count,
      [this, first_index, outcomes, explain = std::move(explain)](size_t position, WorkBudget& budget) {
        const int64_t index = first_index + static_cast<int64_t>(position);
        if (Survives(index)) {
          (*outcomes)[position].job_index = kNoJob;
        } else {
          (*outcomes)[position] = OutcomeOf(index, explain(position, budget));
        }
      },
      [this, outcomes] { OnEncoded(outcomes); });
}

// A chunk is encoded while the one before it is being committed, so that workers and store do not wait for
// each other; it is applied only after that one, so that no more than two are in memory.
void PlanApplication::OnEncoded(const std::shared_ptr<std::vector<NewOutcome>>& outcomes) {
  const auto none = [](const NewOutcome& outcome) { return outcome.job_index == kNoJob; };
  outcomes->erase(std::remove_if(outcomes->begin(), outcomes->end(), none), outcomes->end());
  if (outcomes->empty()) return RecordNext();
  if (!applying_) return Apply(std::move(*outcomes));
  after_apply_ = [this, outcomes] { Apply(std::move(*outcomes)); };
}

void PlanApplication::Apply(std::vector<NewOutcome> outcomes) {
  applying_ = true;
  const int64_t failed = CountFailed(outcomes);
  const int64_t succeeded = static_cast<int64_t>(outcomes.size()) - failed;
  lease_.ApplyPlan(std::move(outcomes), {},
                   [this, self = shared_from_this(), succeeded, failed] { OnApplied(succeeded, failed); });
  RecordNext();
}

void PlanApplication::OnApplied(int64_t succeeded, int64_t failed) {
  applying_ = false;
  const PipelineContext& context = lease_.context();
  const absl::Duration now = context.loop->Now();
  context.meters->CountRecorded(JobKind::kScreen, OutcomeKind::kFailed, now, failed);
  context.meters->CountRecorded(JobKind::kScreen, OutcomeKind::kSucceeded, now, succeeded);
  if (after_apply_) std::exchange(after_apply_, nullptr)();
}

bool PlanApplication::Survives(int64_t job_index) const {
  const auto index = static_cast<size_t>(job_index);
  return index < jobs_.survives.size() && jobs_.survives[index];
}

NewOutcome PlanApplication::OutcomeOf(int64_t job_index, Explained explained) const {
  NewOutcome outcome = explained.ok() ? VerdictOutcome(input_.codec, input_.screener->VerdictWithoutModel(
                                                                         *input_.plan, *std::move(explained)))
                                      : FailedOutcome(explained.status());
  outcome.job_index = job_index;
  return outcome;
}

}  // namespace sluice
