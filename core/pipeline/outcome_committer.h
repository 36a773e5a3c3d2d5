// OutcomeCommitter: outcomes of many jobs into few commits.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/pipeline/pipeline_context.h"

namespace sluice {

// One commit at a time: what arrives meanwhile goes with the next, so commits grow with the load by
// themselves. A busy or full store is tried again until the leases are lost. The buffer holds at most one
// outcome a lease in memory, a number that the job source bounds. Loop thread only.
class OutcomeCommitter {
 public:
  enum class Ending {
    kRecorded,
    kFenced,   // somebody else's lease by now: discarded
    kUnclear,  // fenced after a try whose answer was lost: recorded by that try, or fenced
    kFailed,   // the store refused for good
  };
  using Ended = std::function<void(const LeasePtr& lease, OutcomeKind kind, Ending ending)>;

  // `context` must outlive the committer; `ended` is called once for every outcome added.
  OutcomeCommitter(PipelineContext& context, Ended ended) : context_(context), ended_(std::move(ended)) {}

  void Add(LeasePtr lease, NewOutcome outcome);

 private:
  struct Pending {
    LeasePtr lease;
    NewOutcome outcome;
  };
  struct Commit;

  void Flush();
  void OnAnswer(const Commit& commit, const absl::StatusOr<std::vector<CommitResult>>& results);

  PipelineContext& context_;
  const Ended ended_;
  std::deque<Pending> buffer_;
  bool committing_ = false;
  bool flush_posted_ = false;
};

}  // namespace sluice
