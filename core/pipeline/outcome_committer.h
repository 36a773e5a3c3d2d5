// OutcomeCommitter: outcomes of many jobs, and their other steps, into few commits.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/pipeline/pipeline_context.h"

namespace sluice {

// One commit at a time: what arrives meanwhile goes with the next, so commits grow with the load by
// themselves. The buffer holds at most one outcome a lease in memory, a number that the job source bounds.
// Loop thread only.
//
// No commit is tried for ever, and no job pays for what is not its doing. A store that is busy, full or away
// is tried again for a minute, or until the leases are lost; then the jobs go back without an attempt
// counted, and claims pause: at worst each runs once a minute until its batch expires. What the store refuses
// for good is committed one by one, so that the step at fault is alone in its refusal. What is invalid ends
// FAILED with the store's own words; for anything else the attempt counts, and attempts end.
class OutcomeCommitter {
 public:
  enum class Ending {
    kCommitted,
    kFenced,   // somebody else's lease by now: discarded
    kNotNow,   // the store could not for too long: to be done again
    kUnclear,  // fenced after a try whose answer was lost: committed by that try, or fenced
    kFailed,   // the store refused for good
  };
  using Ended = std::function<void(const LeasePtr& lease, const Step& step, Ending ending)>;

  // `context` must outlive the committer; `ended` is called once for every step added.
  OutcomeCommitter(PipelineContext& context, Ended ended) : context_(context), ended_(std::move(ended)) {}

  void Add(LeasePtr lease, Step step);

 private:
  struct Pending {
    LeasePtr lease;
    Step step;
    bool alone = false;      // was in a commit that the store refused
    bool as_failed = false;  // was itself refused as invalid
  };
  struct Commit;

  void Flush();
  void OnAnswer(Commit& commit, const absl::StatusOr<std::vector<CommitResult>>& results);
  void CommitOneByOne(Commit& commit);
  void CommitAsFailed(Commit& commit, const absl::Status& refusal);

  PipelineContext& context_;
  const Ended ended_;
  std::deque<Pending> buffer_;
  bool committing_ = false;
  bool flush_posted_ = false;
};

}  // namespace sluice
