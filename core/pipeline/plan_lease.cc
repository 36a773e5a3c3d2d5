#include "core/pipeline/plan_lease.h"

#include <utility>

#include "core/base/log.h"
#include "core/pipeline/page_sweep.h"
#include "core/pipeline/store_call.h"

namespace sluice {
namespace {

constexpr size_t kFewPostings = 256;

}  // namespace

// The reason of a stop goes before the store's answer: a call that is given up for it fails, too.
PlanEnd EndOfPlan(StopReason stop, const absl::Status& status) {
  if (stop == StopReason::kDraining) return PlanEnd::kGiveBack;
  if (stop == StopReason::kBatchCancelled) return PlanEnd::kCancelled;
  if (stop == StopReason::kSessionLost) return PlanEnd::kDrop;
  if (absl::IsAborted(status) || absl::IsNotFound(status)) return PlanEnd::kDrop;
  return status.ok() ? PlanEnd::kNone : PlanEnd::kGiveUp;
}

bool PlanLease::Over(const absl::Status& status) const {
  if (lease_->ended) return true;
  switch (EndOfPlan(lease_->stop, status)) {
    case PlanEnd::kNone:
      return false;
    case PlanEnd::kGiveBack:
      context_.sink->GiveBack(lease_);
      break;
    case PlanEnd::kCancelled:
      IssueFinishPlan([](const absl::Status&) {});  // ends the task sooner than its lease would
      context_.sink->Drop(lease_);
      break;
    case PlanEnd::kDrop:
      context_.sink->Drop(lease_);
      break;
    case PlanEnd::kGiveUp:
      Log(LogLevel::kError, "plan of batch ", lease_->claim.batch_id, " given up: ", status.ToString());
      context_.sink->GiveUp(lease_);
      break;
  }
  return true;
}

template <typename T>
void PlanLease::Ask(absl::AnyInvocable<void(Done<T>)> issue,
                    absl::AnyInvocable<void(AnswerOf<T>) &&> then) const {
  CallStore<T>(
      *context_.loop, std::move(issue), [lease = lease_] { return lease->stop != StopReason::kNone; },
      [plan = *this, then = std::move(then)](AnswerOf<T> answer) mutable {
        if (!plan.Over(StatusOf(answer))) std::move(then)(std::move(answer));
      });
}

void PlanLease::ReadBatch(absl::AnyInvocable<void(Batch) &&> then) const {
  Ask<Batch>(
      [plan = *this](Done<Batch> done) {
        plan.context_.parts.queue->ReadBatch(plan.lease_->claim.batch_id, std::move(done));
      },
      [then = std::move(then)](absl::StatusOr<Batch> batch) mutable { std::move(then)(*std::move(batch)); });
}

void PlanLease::CommitPlan(std::string offered, absl::AnyInvocable<void(std::string stored) &&> then) const {
  Ask<std::string>(
      [plan = *this, offered = std::move(offered)](Done<std::string> done) {
        plan.context_.parts.queue->CommitPlan(plan.lease_->key(), offered, std::move(done));
      },
      [then = std::move(then)](absl::StatusOr<std::string> stored) mutable {
        std::move(then)(*std::move(stored));
      });
}

void PlanLease::ApplyPlan(std::vector<NewOutcome> others, std::vector<PlannedJob> survivors,
                          Closure then) const {
  Ask<void>(
      [plan = *this, others = std::move(others), survivors = std::move(survivors)](Done<void> done) {
        plan.context_.parts.queue->ApplyPlan(plan.lease_->key(), others, survivors, std::move(done));
      },
      [then = std::move(then)](const absl::Status&) mutable { std::move(then)(); });
}

void PlanLease::FinishPlan(Closure then) const {
  Ask<void>([plan = *this](Done<void> done) { plan.IssueFinishPlan(std::move(done)); },
            [then = std::move(then)](const absl::Status&) mutable { std::move(then)(); });
}

void PlanLease::IssueFinishPlan(Done<void> done) const {
  context_.parts.queue->FinishPlan(lease_->key(), std::move(done));
}

void PlanLease::Offload(SharedWork work) const {
  context_.loop->Offload(lease_->claim.batch_id, std::move(work));
}

void PlanLease::OffloadUnlessFew(size_t postings, SharedWork work) const {
  if (postings > kFewPostings) return Offload(std::move(work));
  std::move(work)();
}

void PlanLease::Sweep(std::shared_ptr<void> owner, size_t postings, PostingWork work,
                      std::function<void()> done) const {
  RunSweep(context_, lease_, std::move(owner),
           {.postings = postings,
            .work =
                [lease = lease_, work = std::move(work)](size_t position) {
                  WorkBudget budget(lease->cancellation.token());
                  work(position, budget);
                  return budget.spent();
                },
            .done =
                [plan = *this, done = std::move(done)] {
                  if (!plan.Over()) done();
                }});
}

}  // namespace sluice
