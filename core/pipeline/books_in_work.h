// BooksInWork: keeps the books of a shelf that are in work at once to the number that its profile says.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "core/base/executor.h"
#include "core/pipeline/lease.h"
#include "core/pipeline/pipeline_loop.h"

namespace sluice {

// A book is in work from the begin of its split to the end of its assembly, in this process. After a restart
// it is again once its split or its assembly is claimed: until then a shelf may have more in work than it
// says. Loop thread only.
class BooksInWork {
 public:
  // `loop` must outlive it.
  explicit BooksInWork(PipelineLoop& loop) : loop_(loop) {}

  // Runs `begin` when fewer than `most` other books of the lease's batch are in work: at once, or later; also
  // when the lease is stopped meanwhile, for `begin` to end it.
  void Enter(LeasePtr split, int most, Closure begin);
  // The split has handed out its tasks: the book stays in work without a lease.
  void GoOn(const Claimed& split);
  // The book's assembly is claimed: the book is in work until that lease ends.
  void Assemble(LeasePtr assembly);
  void OnBatchEnded(const std::string& batch_id);

  // Lets in whom there is room for; a lease that ended makes room.
  void Admit();

 private:
  using Key = std::pair<std::string, int64_t>;  // batch and job index
  struct Waiting {
    LeasePtr split;
    int most = 1;
    Closure begin;
  };
  static Key KeyOf(const Claimed& claim) { return {claim.batch_id, claim.job_index}; }

  void ForgetEnded();
  int OthersInWork(const Claimed& split) const;
  void LookAgainLater();

  PipelineLoop& loop_;
  std::map<Key, LeasePtr> books_;  // null: its tasks are in work
  std::deque<Waiting> waiting_;    // at most as many as splits may be leased
  bool looks_again_ = false;
};

}  // namespace sluice
