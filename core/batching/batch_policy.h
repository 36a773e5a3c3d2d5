// Batch policy: which waiting works form the next micro-batch. Pure: no threads, no clock, no queue of its
// own.
//
// SHARES between classes follow start-time fair queueing (Goyal, Vin and Cheng, "Start-time Fair Queuing",
// SIGCOMM 1996): each class has a virtual start time that grows by tokens/weight as it is served, and the
// class with the least goes next; one that had nothing waiting gets no credit for it. Chosen over deficit
// round robin because it needs no quantum and decides text by text, so that one micro-batch holds both
// classes.
//
// LENGTHS within a lane: of its `look_ahead_works` oldest, those of a length close to the batch's first text
// go first, so that the encoder runs attention in few groups. Closeness only orders: whatever in the window
// still fits is taken, and a batch is left unfilled only when nothing there fits.
//
// NOTHING STARVES: a lane's first text in a batch is its oldest; where that does not fit any more, the lane
// opens the next batch. Work that has waited `max_age` goes, oldest first, before any that has not.
//
// LARGE CALLS: interactive work that is patient has a lane of its own and goes when no prompt work of its
// class waits, or by its age. Both take of the class's one share.
//
// SHARES of few works: a batch takes no more than its share of the tokens that wait, rounded down to whole
// texts, but one text at least (guided self-scheduling: Polychronopoulos and Kuck, IEEE Transactions on
// Computers, 1987), so that a small call is encoded by all replicas at once, and a large one's last batches
// end together. Where a lane shows all the works that it may, much waits, and nobody need share.
//
// BESIDE PROMPT WORK, for `interactive_memory` after some came, a batch holds one lane only, and of any but
// the prompt one no more than `max_bulk_tokens`: a small call then waits at most for one small batch and
// never rides in one. Leased work comes in by the claim and gets old all at once, so that age lets it go
// first only in every other batch. A large call's texts come one by one as others of it are done, each of
// them young: so once any call in the patient lane is old, the lane has every other batch of its class, or
// small calls without end would keep it waiting. Within the lane texts keep the order in which they came:
// the last ones of an old call do not overtake those of a younger one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/batching/micro_batch_scheduler.h"

namespace sluice {

// OK, or why the work is not to be encoded any more: CANCELLED or DEADLINE_EXCEEDED.
absl::Status CheckWanted(const EncodeWork& work, absl::Duration now);

// Where a work waits. Patient is only interactive work.
enum class Lane { kPrompt = 0, kPatient = 1, kBulk = 2 };
inline constexpr int kNumLanes = 3;
// As places in arrays of kNumLanes.
inline constexpr int kPromptLane = static_cast<int>(Lane::kPrompt);
inline constexpr int kPatientLane = static_cast<int>(Lane::kPatient);
inline constexpr int kBulkLane = static_cast<int>(Lane::kBulk);

constexpr WorkClass ClassOf(Lane lane) {
  return lane == Lane::kBulk ? WorkClass::kBulk : WorkClass::kInteractive;
}
inline Lane LaneOf(const EncodeWork& work) {
  if (work.work_class == WorkClass::kBulk) return Lane::kBulk;
  return work.patient ? Lane::kPatient : Lane::kPrompt;
}

// What the policy needs to know of a work.
struct WaitingWork {
  int64_t tokens = 0;
  absl::Duration submitted;                             // monotonic
  absl::Duration call_came = absl::InfiniteDuration();  // as EncodeWork's
};

// How much each class has had. A value, carried from batch to batch.
struct ClassShares {
  std::array<double, kNumWorkClasses> start = {0, 0};              // virtual, in tokens/weight
  double now = 0;                                                  // virtual
  std::array<bool, kNumLanes> opens_next = {false, false, false};  // its oldest did not fit
  absl::Duration prompt_came = -absl::InfiniteDuration();          // monotonic; when such work last did
  bool prompt_went = false;                                        // with the class's last batch of one lane
  bool opened_by_age = false;                                      // the last batch, before its turn

  // Call when `lane` had nothing waiting and now has; `class_was_idle`: nor had its class.
  void BecomeBacklogged(Lane lane, bool class_was_idle);
};

struct BatchChoice {
  struct Pick {
    Lane lane;
    int index;  // into that lane's span
  };
  // In the order they were chosen; empty only when nothing waits, or limits.only_prompt lets nothing go.
  std::vector<Pick> picks;
  ClassShares shares;  // to carry on with
};

// How many of a lane's oldest works the choice can depend on; the rest of the queue need not be shown to it.
int VisibleWorks(const SchedulerOptions& options, const MicroBatchLimits& limits);

// `waiting` holds each lane's oldest works, oldest first, all still wanted. O(visible · log
// look_ahead_works).
BatchChoice ChooseBatch(const std::array<absl::Span<const WaitingWork>, kNumLanes>& waiting,
                        absl::Duration now, const MicroBatchLimits& limits, const SchedulerOptions& options,
                        const ClassShares& shares);

}  // namespace sluice
