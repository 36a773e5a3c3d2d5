// PhaseOnePass: the plan task's first pass: a batch's postings, page by page, to the few bytes of each that
// the gate needs.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "core/pipeline/kept_results.h"
#include "core/pipeline/plan_lease.h"
#include "core/pipeline/posting_pages.h"
#include "core/pipeline/screen_codec.h"
#include "core/screening/screener.h"

namespace sluice {

// How a batch's postings are screened. The codec must outlive whoever screens.
struct PhaseOneRules {
  const ScreenCodec& codec;
  std::shared_ptr<const Screener> screener;
  absl::Time as_of;
};

// What phase one says of a batch.
struct PhaseOneAnswers {
  absl::Time as_of;
  std::vector<PhaseOneSummary> summaries;  // of what could be screened, by ascending job index
  std::vector<int64_t> unscreened;         // the other jobs' indices, ascending
  KeptResults kept;                        // of all the postings, or none
};

// Answers the same however the postings are split over pages and workers, and whether results are kept or
// not. Keeps itself alive while it runs. Loop thread only.
class PhaseOnePass : public std::enable_shared_from_this<PhaseOnePass> {
 public:
  using Then = absl::AnyInvocable<void(PhaseOneAnswers) &&>;

  // Hands to `then` what phase one says of all postings of the lease's batch. `kept`, which is empty, says
  // whether their results are kept. `then` is not called once the task is over.
  static void Run(PlanLease lease, PhaseOneRules rules, KeptResults kept, Then then);

 private:
  PhaseOnePass(PlanLease lease, PhaseOneRules rules, KeptResults kept, Then then);

  void NextPage();
  void Summarise(const PostingPage& page);
  void Explain(const PostingPage& page);
  void Add(int64_t job_index, const absl::StatusOr<PhaseOneSummary>& summary);

  const PlanLease lease_;
  const PhaseOneRules rules_;
  PostingPages pages_;
  PhaseOneAnswers answers_;
  Then then_;
};

}  // namespace sluice
