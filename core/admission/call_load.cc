#include "core/admission/call_load.h"

namespace sluice {

CallLoad LoadOf(const SchedulerSnapshot& snapshot, const SchedulerOptions& options,
                double tokens_per_second) {
  constexpr int kInteractive = static_cast<int>(WorkClass::kInteractive);
  constexpr int kBulk = static_cast<int>(WorkClass::kBulk);
  const double bulk_weight = snapshot.queued_works[kBulk] > 0 ? options.weight[kBulk] : 0;
  const double share = options.weight[kInteractive] / (options.weight[kInteractive] + bulk_weight);
  return {.prompt_tokens = snapshot.queued_tokens[kInteractive] - snapshot.patient_tokens,
          .patient_tokens = snapshot.patient_tokens,
          .tokens_per_second = share * tokens_per_second,
          .oldest_wait = snapshot.oldest_prompt_wait,
          .target_wait = options.codel.target,
          .overloaded = snapshot.overloaded};
}

}  // namespace sluice
