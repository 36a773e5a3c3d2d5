// Faults: which things go wrong in a run, and how often, all drawn from its seed.
//
// A site is active in about a third of all runs and fires at a rate of the run's own, so that faults meet in
// ever other company (FoundationDB's BUGGIFY). Every site is counted: the test holds that each was hit at
// least once over its seeds, since a fault that never happens proves nothing.
#pragma once

#include <array>
#include <cstdint>
#include <random>

#include "absl/time/time.h"

namespace sluice {

// Draws the same numbers from the same seed on every platform.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  int64_t Below(int64_t bound) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(bound)); }
  int64_t Between(int64_t least, int64_t most) { return least + Below(most - least + 1); }
  bool OneIn(int64_t n) { return Below(n) == 0; }
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    return least + absl::Microseconds(Below(absl::ToInt64Microseconds(most - least) + 1));
  }

 private:
  std::mt19937_64 engine_;
};

enum class FaultSite {
  // The way to the store.
  kRefusedCall,    // fails and does nothing
  kBusyStore,      // the same, STORE_BUSY
  kLostAnswer,     // does its work, the caller sees an error
  kLateExecution,  // the caller sees an error, and afterwards it does its work
  kSlowCall,       // arrives late, after calls that were made later
  kSlowAnswer,     // the answer comes after seconds
  kLostWakeUp,     // nobody is told that there is something to claim
  // A server.
  kCrash,
  kPauseBeyondLease,
  kDrain,
  kFullExecutor,
  kSlowDevice,    // a micro-batch takes longer than a lease
  kBrokenDevice,  // a pass fails
  kNoModel,       // it starts without its model
  // Time.
  kClockForward,
  kClockBack,
  // The store's file (SQLite).
  kDiskFull,
  kCrashBeforeCommit,
  kCrashBeforeAnswer,
  kFailedStore,  // the process ends of its own accord, as it is
  kCount,
};
const char* FaultSiteName(FaultSite site);

// What a run went through without being asked to; counted alike.
enum class Landmark {
  kCancelledPending,
  kCancelledRunning,
  kCancelledTerminal,
  kDeleted,
  kExpiredJobs,
  kRepeatedRequest,
  kRefusedRequest,  // the same request_id with another content
  kRefusedByDoor,
  kAbandonedUpload,
  kSealedUpload,
  kFencedOutcome,
  kDeadSession,
  kExhaustedJob,
  kRepeatedPlan,  // a plan task that found a plan
  kDrainedInTime,
  kDrainCutShort,
  kPoisonedJob,
  kAdvancedJob,
  kFannedOutJob,
  kFailedTask,
  kExhaustedTask,
  kFencedStep,
  kRepeatedSplit,  // the stage was begun again for the same job, after a death, a lost session or a drain
  kRepeatedTask,
  kRepeatedJoin,
  kInteractiveCall,
  kCount,
};
const char* LandmarkName(Landmark landmark);

template <typename Enum>
using Counts = std::array<int64_t, static_cast<size_t>(Enum::kCount)>;

class Faults {
 public:
  explicit Faults(Dice& dice);

  // Whether the fault happens here and now. Never after Stop.
  bool Fires(FaultSite site);
  void Stop() { stopped_ = true; }
  bool stopped() const { return stopped_; }

  void Reached(Landmark landmark) { ++landmarks_[static_cast<size_t>(landmark)]; }

  const Counts<FaultSite>& fired() const { return fired_; }
  const Counts<Landmark>& landmarks() const { return landmarks_; }

 private:
  Dice& dice_;
  bool stopped_ = false;
  std::array<int64_t, static_cast<size_t>(FaultSite::kCount)> one_in_{};  // 0: not in this run
  Counts<FaultSite> fired_{};
  Counts<Landmark> landmarks_{};
};

}  // namespace sluice
