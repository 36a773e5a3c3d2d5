#include "core/store/batch.h"

namespace sluice {

const char* JobKindName(JobKind kind) {
  switch (kind) {
    case JobKind::kScreen:
      return "screen";
    case JobKind::kEmbed:
      return "embed";
  }
  return "unknown";
}

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

const char* StageName(Stage stage) {
  switch (stage) {
    case Stage::kPlan:
      return "screen_plan";
    case Stage::kScore:
      return "screen_score";
    case Stage::kEmbed:
      return "embed";
  }
  return "unknown";
}

int64_t StoreStats::queued_jobs() const {
  return ready_jobs[0] + ready_jobs[1] + leased_jobs[0] + leased_jobs[1];
}

}  // namespace sluice
