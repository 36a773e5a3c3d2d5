#include "core/pipeline/outcome_committer.h"

#include <algorithm>
#include <memory>

#include "core/base/log.h"
#include "core/pipeline/store_call.h"

namespace sluice {
namespace {

constexpr size_t kMaxStepsPerCommit = 256;
constexpr absl::Duration kPatience = absl::Minutes(1);  // with a store that is busy, full or away

}  // namespace

struct OutcomeCommitter::Commit {
  std::vector<LeasePtr> leases;
  std::vector<LeasedStep> steps;
  absl::Duration began;
  int tries = 0;
  bool as_failed = false;  // in place of a step that the store found invalid

  bool AllLost() const {
    return std::all_of(leases.begin(), leases.end(),
                       [](const LeasePtr& lease) { return lease->stop == StopReason::kSessionLost; });
  }
};

void OutcomeCommitter::Add(LeasePtr lease, Step step) {
  buffer_.push_back({std::move(lease), std::move(step)});
  if (committing_ || flush_posted_) return;
  // Posted, so that all outcomes of this turn of the loop share the commit.
  flush_posted_ = true;
  context_.loop->Post([this] {
    flush_posted_ = false;
    Flush();
  });
}

void OutcomeCommitter::Flush() {
  if (committing_ || buffer_.empty()) return;
  committing_ = true;
  auto commit = std::make_shared<Commit>();
  commit->began = context_.loop->Now();
  commit->as_failed = buffer_.front().as_failed;
  const size_t most = buffer_.front().alone ? 1 : kMaxStepsPerCommit;
  while (!buffer_.empty() && commit->leases.size() < most) {
    Pending& next = buffer_.front();
    commit->steps.push_back({next.lease->key(), std::move(next.step)});
    commit->leases.push_back(std::move(next.lease));
    buffer_.pop_front();
  }
  CallStore<std::vector<CommitResult>>(
      *context_.loop,
      [this, commit](Done<std::vector<CommitResult>> done) {
        ++commit->tries;
        context_.parts.queue->CommitSteps(commit->steps, std::move(done));
      },
      [this, commit] { return commit->AllLost() || context_.loop->Now() - commit->began >= kPatience; },
      [this, commit](const absl::StatusOr<std::vector<CommitResult>>& results) {
        OnAnswer(*commit, results);
      });
}

void OutcomeCommitter::OnAnswer(Commit& commit, const absl::StatusOr<std::vector<CommitResult>>& results) {
  committing_ = false;
  const bool refused = !results.ok() && !IsTransientStoreError(results.status());
  if (refused && commit.leases.size() > 1) return CommitOneByOne(commit);
  if (refused && !commit.as_failed && absl::IsInvalidArgument(results.status())) {
    return CommitAsFailed(commit, results.status());
  }
  if (!results.ok()) {
    Log(LogLevel::kWarning, "outcomes of ", commit.leases.size(),
        " jobs or tasks, or their other steps, were not committed: ", results.status().ToString());
  }
  for (size_t i = 0; i < commit.leases.size(); ++i) {
    Ending ending = refused ? Ending::kFailed : Ending::kNotNow;
    if (results.ok() && (*results)[i] == CommitResult::kCommitted) ending = Ending::kCommitted;
    if (results.ok() && (*results)[i] == CommitResult::kFenced) {
      ending = commit.tries > 1 ? Ending::kUnclear : Ending::kFenced;
    }
    ended_(commit.leases[i], commit.steps[i].step, ending);
  }
  Flush();
}

// The same step would be refused each time: the refusal is its outcome.
void OutcomeCommitter::CommitAsFailed(Commit& commit, const absl::Status& refusal) {
  buffer_.push_front(
      {std::move(commit.leases[0]), FailedOutcome(refusal), /*alone=*/true, /*as_failed=*/true});
  Flush();
}

void OutcomeCommitter::CommitOneByOne(Commit& commit) {
  for (size_t i = commit.leases.size(); i-- > 0;) {
    buffer_.push_front({std::move(commit.leases[i]), std::move(commit.steps[i].step), /*alone=*/true});
  }
  Flush();
}

}  // namespace sluice
