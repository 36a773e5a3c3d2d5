// PlanApplication: a committed plan's consequences: its survivors readied, the other postings' verdicts
// recorded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/executor.h"
#include "core/pipeline/phase_one_pass.h"
#include "core/pipeline/plan_lease.h"
#include "core/pipeline/posting_pages.h"
#include "core/pipeline/screen_codec.h"

namespace sluice {

// The jobs that a plan lets go on to the model.
struct SurvivingJobs {
  std::vector<int64_t> best_first;  // job indices
  std::vector<bool> survives;       // by job index
};
// Summaries leave the unscreened jobs out: the n-th one belongs to the n-th job index that is not among
// those. Pure.
SurvivingJobs SurvivorsAmongJobs(const GatePlan& plan, const std::vector<PhaseOneSummary>& summaries,
                                 const std::vector<int64_t>& unscreened);

// Each of its steps may be repeated: the store skips what is done. Keeps itself alive while it runs. Loop
// thread only, but for the work it offloads.
class PlanApplication : public std::enable_shared_from_this<PlanApplication> {
 public:
  struct Input {
    const ScreenCodec& codec;                  // must outlive the application
    std::shared_ptr<const Screener> screener;  // null where `plan` is a failure
    // As the store has it; or why no posting of the batch can be screened, with which all of them fail.
    absl::StatusOr<GatePlan> plan;
    PhaseOneAnswers answers;
  };

  // Calls `then` when every job of the lease's batch is past waiting; not once the task is over.
  static void Run(PlanLease lease, Input input, Closure then);

 private:
  using Explain = std::function<Explained(size_t position, WorkBudget& budget)>;

  PlanApplication(PlanLease lease, Input input, Closure then);

  void Start();
  void ReadySurvivors(size_t first);

  // What is kept comes first, then pages from the job `first_unkept` on.
  void RecordFrom(int64_t first_unkept);
  void RecordNext();
  void RecordKept();
  void RecordPage(const PostingPage& page);
  void Encode(int64_t first_index, size_t count, Explain explain);
  void OnEncoded(const std::shared_ptr<std::vector<NewOutcome>>& outcomes);
  void Apply(std::vector<NewOutcome> outcomes);
  void OnApplied(int64_t succeeded, int64_t failed);

  bool Survives(int64_t job_index) const;
  NewOutcome OutcomeOf(int64_t job_index, Explained explained) const;

  const PlanLease lease_;
  Input input_;
  Closure then_;
  SurvivingJobs jobs_;
  std::optional<PostingPages> pages_;  // of the postings that are not kept
  size_t next_kept_ = 0;
  bool applying_ = false;  // a chunk of outcomes is being committed
  std::function<void()> after_apply_;
};

}  // namespace sluice
