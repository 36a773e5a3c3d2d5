// PipelineLoop: the pipeline's one thread as a mailbox, so that its bookkeeping needs no locks.
//
// Answers of the store and of the scheduler arrive on their threads and are posted here; heavy work is sent
// to the executor and posts its end back. A loop is shared by the closures it hands out: what arrives after
// Close is dropped, so that no late answer touches an owner that is gone.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/base/clock.h"
#include "core/base/executor.h"
#include "core/base/mutex.h"
#include "core/pipeline/fair_queue.h"

namespace sluice {

// Thread-safe, but for what is marked "loop". `clock` and `executor` must live until Close returned.
class PipelineLoop : public std::enable_shared_from_this<PipelineLoop> {
 public:
  // At most `workers` closures are with the executor at once, so that who is next is decided when a worker is
  // free, and not when the work came.
  PipelineLoop(const Clock& clock, Executor& executor, int workers = 256)
      : clock_(clock), executor_(executor), workers_(workers) {}

  // Runs `closure` on the loop's thread, in the order of posting.
  void Post(Closure closure);

  // Loop. Runs `closure` once `delay` has passed.
  void After(absl::Duration delay, Closure closure);

  // Runs `work` of a batch on the executor, which the batches share fairly. When the executor refuses, tries
  // again every few milliseconds; work is never lost but by Close. Callers bound how much they offload.
  void Offload(const std::string& batch_id, SharedWork work);

  // A callback for other threads that hands its argument to `then` on the loop's thread.
  template <typename T>
  auto Answer(absl::AnyInvocable<void(T) &&> then) {
    return [loop = shared_from_this(), then = std::move(then)](T answer) mutable {
      loop->Post([then = std::move(then), answer = std::move(answer)]() mutable {
        std::move(then)(std::move(answer));
      });
    };
  }

  // Loop. Runs what is posted and what is due, without waiting. Returns when the next closure of After is due
  // (monotonic), infinity when there is none. Whoever calls Turn is the loop's thread: Run, or a simulation.
  absl::Duration Turn();

  // The thread's body: a turn whenever there is something to run. Returns after Close.
  void Run();

  // From any thread but the loop's: nothing posted runs any more, and offloaded work that has begun has ended
  // when this returns, provided that Run has returned. Idempotent.
  void Close();
  void AwaitOffloaded();

  absl::Duration Now() const { return clock_.MonotonicNow(); }

 private:
  bool AwaitWork();  // false once closed
  void AskForWorker();
  void RunOffloaded();

  const Clock& clock_;
  Executor& executor_;
  const int workers_;
  Mutex mutex_;
  CondVar changed_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  FairQueue offloaded_ ABSL_GUARDED_BY(mutex_);
  int asked_ ABSL_GUARDED_BY(mutex_) = 0;  // workers that were asked for and have not come yet
  int offloaded_running_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Closure> mailbox_ ABSL_GUARDED_BY(mutex_);
  std::multimap<absl::Duration, Closure> alarms_;  // loop only, by the time they are due
};

}  // namespace sluice
