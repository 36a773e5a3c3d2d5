#include "tests/simulation/faults.h"

namespace sluice {
namespace {

constexpr int kActiveOneIn = 3;
constexpr int64_t kRates[] = {4, 16, 64};
constexpr int64_t kRarerDeaths = 16;  // asked at every commit and every answer, a server would get nowhere

}  // namespace

const char* FaultSiteName(FaultSite site) {
  constexpr const char* kNames[] = {"refused call",
                                    "busy store",
                                    "lost answer",
                                    "late execution",
                                    "slow call",
                                    "slow answer",
                                    "lost wake-up",
                                    "crash",
                                    "pause",
                                    "drain",
                                    "full executor",
                                    "slow device",
                                    "broken device",
                                    "no model",
                                    "clock forward",
                                    "clock back",
                                    "disk full",
                                    "crash before commit",
                                    "crash before answer",
                                    "failed store"};
  static_assert(std::size(kNames) == static_cast<size_t>(FaultSite::kCount));
  return kNames[static_cast<size_t>(site)];
}

const char* LandmarkName(Landmark landmark) {
  constexpr const char* kNames[] = {"cancelled while pending",
                                    "cancelled while running",
                                    "cancelled when finished",
                                    "deleted",
                                    "expired jobs",
                                    "repeated request",
                                    "refused request",
                                    "refused by the door",
                                    "abandoned upload",
                                    "sealed upload",
                                    "fenced outcome",
                                    "dead session",
                                    "exhausted job",
                                    "repeated plan",
                                    "drained in time",
                                    "drain cut short",
                                    "poisoned job",
                                    "advanced job",
                                    "fanned-out job",
                                    "failed task",
                                    "exhausted task",
                                    "fenced step",
                                    "repeated split",
                                    "repeated task",
                                    "repeated join",
                                    "interactive call"};
  static_assert(std::size(kNames) == static_cast<size_t>(Landmark::kCount));
  return kNames[static_cast<size_t>(landmark)];
}

Faults::Faults(Dice& dice) : dice_(dice) {
  for (int64_t& one_in : one_in_) {
    const bool active = dice_.OneIn(kActiveOneIn);
    const int64_t rate = kRates[dice_.Below(std::size(kRates))];
    one_in = active ? rate : 0;
  }
  for (const FaultSite death : {FaultSite::kCrashBeforeCommit, FaultSite::kCrashBeforeAnswer}) {
    one_in_[static_cast<size_t>(death)] *= kRarerDeaths;
  }
}

bool Faults::Fires(FaultSite site) {
  const int64_t one_in = one_in_[static_cast<size_t>(site)];
  if (stopped_ || one_in == 0 || !dice_.OneIn(one_in)) return false;
  ++fired_[static_cast<size_t>(site)];
  return true;
}

}  // namespace sluice
