// PlanLease: the lease of a plan task under way: its calls of the store, its turns on the workers, and the
// one way that it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "core/pipeline/pipeline_context.h"
#include "core/screening/work_budget.h"

namespace sluice {

// How a plan task ends before its work is done.
enum class PlanEnd {
  kNone,       // it goes on
  kGiveBack,   // the server drains: back to the store, the attempt with it
  kCancelled,  // its jobs are CANCELLED already: only the task itself is left to end
  kDrop,       // lost, another's by now, or its batch was deleted
  kGiveUp,     // the store refused for good: the attempt counts
};

// By why the lease was stopped and by what the store answered last. Pure.
PlanEnd EndOfPlan(StopReason stop, const absl::Status& status);

// Of the gate's decision and of its survivors, for a posting; in steps (core/screening/work_budget.h).
inline constexpr int64_t kStepsPerDecision = 256;

// A copy is of the same lease. `then` and `done` are called on the loop's thread, and never once the task is
// over. Loop thread only; `context` must outlive the loop's work.
class PlanLease {
 public:
  PlanLease(PipelineContext& context, LeasePtr lease) : context_(context), lease_(std::move(lease)) {}

  PipelineContext& context() const { return context_; }
  const LeasePtr& lease() const { return lease_; }

  // Whether to go no further: stopped from outside, or refused by the store, which answered `status`. Ends
  // the lease then.
  bool Over(const absl::Status& status = absl::OkStatus()) const;

  // The store's calls, tried again while it is busy, full or away.
  void ReadBatch(absl::AnyInvocable<void(Batch) &&> then) const;
  void CommitPlan(std::string plan, absl::AnyInvocable<void(std::string stored) &&> then) const;
  void ApplyPlan(std::vector<NewOutcome> others, std::vector<PlannedJob> survivors, Closure then) const;
  void FinishPlan(Closure then) const;

  // Runs `work` on the workers when it is this batch's turn, whether the task is over by then or not.
  void Offload(SharedWork work) const;
  // The same for work on as many postings; a few are not worth the wait for a worker.
  void OffloadUnlessFew(size_t postings, SharedWork work) const;

  using PostingWork = std::function<void(size_t position, WorkBudget& budget)>;  // on the executor
  // Runs `work` for every position below `postings`, split over the workers, each with a budget of its own;
  // then `done`. `owner` is kept alive until that.
  void Sweep(std::shared_ptr<void> owner, size_t postings, PostingWork work,
             std::function<void()> done) const;

 private:
  template <typename T>
  void Ask(absl::AnyInvocable<void(Done<T>)> issue, absl::AnyInvocable<void(AnswerOf<T>) &&> then) const;
  void IssueFinishPlan(Done<void> done) const;

  PipelineContext& context_;
  const LeasePtr lease_;
};

}  // namespace sluice
