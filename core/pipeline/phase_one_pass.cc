#include "core/pipeline/phase_one_pass.h"

#include <utility>

#include "core/pipeline/page_screening.h"

namespace sluice {

void PhaseOnePass::Run(PlanLease lease, PhaseOneRules rules, KeptResults kept, Then then) {
  const std::shared_ptr<PhaseOnePass> pass(
      new PhaseOnePass(std::move(lease), std::move(rules), std::move(kept), std::move(then)));
  pass->NextPage();
}

PhaseOnePass::PhaseOnePass(PlanLease lease, PhaseOneRules rules, KeptResults kept, Then then)
    : lease_(std::move(lease)),
      rules_(std::move(rules)),
      pages_(lease_.context(), lease_.lease()),
      answers_{.as_of = rules_.as_of, .kept = std::move(kept)},
      then_(std::move(then)) {}

void PhaseOnePass::NextPage() {
  pages_.Next(shared_from_this(), [this](absl::StatusOr<PostingPage> page) {
    if (lease_.Over(page.status())) return;
    if ((*page)->empty()) return std::move(then_)(std::move(answers_));
    answers_.kept.keeps() ? Explain(*page) : Summarise(*page);
  });
}

void PhaseOnePass::Summarise(const PostingPage& page) {
  auto summaries = std::make_shared<std::vector<absl::StatusOr<PhaseOneSummary>>>(page->size());
  lease_.Sweep(
      shared_from_this(), page->size(),
      [this, page, summaries](size_t position, WorkBudget& budget) {
        (*summaries)[position] =
            SummariseJob(rules_.codec, *rules_.screener, rules_.as_of, (*page)[position], budget);
      },
      [this, page, summaries] {
        for (size_t i = 0; i < page->size(); ++i) Add((*page)[i].index, (*summaries)[i]);
        NextPage();
      });
}

void PhaseOnePass::Explain(const PostingPage& page) {
  auto explained = std::make_shared<std::vector<Explained>>(page->size());
  lease_.Sweep(
      shared_from_this(), page->size(),
      [this, page, explained](size_t position, WorkBudget& budget) {
        (*explained)[position] =
            ExplainJob(rules_.codec, *rules_.screener, rules_.as_of, (*page)[position], budget);
      },
      [this, page, explained] {
        for (size_t i = 0; i < page->size(); ++i) {
          const Explained& result = (*explained)[i];
          Add((*page)[i].index,
              result.ok() ? absl::StatusOr<PhaseOneSummary>(result->summary) : result.status());
        }
        answers_.kept.KeepPage(std::move(*explained));
        NextPage();
      });
}

void PhaseOnePass::Add(int64_t job_index, const absl::StatusOr<PhaseOneSummary>& summary) {
  if (summary.ok()) {
    answers_.summaries.push_back(*summary);
  } else {
    answers_.unscreened.push_back(job_index);
  }
}

}  // namespace sluice
