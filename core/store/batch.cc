#include "core/store/batch.h"

namespace sluice {

bool IsTerminal(BatchState state) {
  return state >= BatchState::kSucceeded;
}

const char* OutcomeKindName(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kSucceeded:
      return "SUCCEEDED";
    case OutcomeKind::kFailed:
      return "FAILED";
    case OutcomeKind::kCancelled:
      return "CANCELLED";
    case OutcomeKind::kExpired:
      return "EXPIRED";
  }
  return "UNKNOWN";
}

int64_t StoreStats::queued_jobs() const {
  int64_t jobs = 0;
  for (const auto& [kind, stats] : kinds) jobs += stats.ready_jobs + stats.leased_jobs;
  return jobs;
}

int64_t StoreStats::unrated_jobs() const {
  int64_t jobs = 0;
  for (const auto& [kind, stats] : kinds) {
    if (!IsInRate(kind)) jobs += stats.ready_jobs + stats.leased_jobs;
  }
  return jobs;
}

int64_t StoreStats::planned_jobs() const {
  int64_t jobs = 0;
  for (const auto& [kind, stats] : kinds) jobs += stats.planned_jobs;
  return jobs;
}

}  // namespace sluice
