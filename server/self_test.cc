#include "server/self_test.h"

#include <vector>

#include "absl/strings/str_join.h"
#include "core/base/error_details.h"
#include "core/base/status_macros.h"
#include "core/inference/self_test.h"

namespace sluice {

absl::StatusOr<bool> RunSelfTest(const Config& config, const Hardware& hardware, EncoderSource& source,
                                 std::ostream& out) {
  TierRequest processor = config.tier;
  processor.device = DeviceRequest::kCpu;
  SLUICE_ASSIGN_OR_RETURN(const TierChoice tier, ChooseTier(hardware, {}, processor));
  const absl::StatusOr<std::vector<SelfTestRow>> rows =
      source.SelfTest({.model_directory = config.model,
                       .tier = tier,
                       .fixed_replicas = config.tier.replicas > 0,
                       .bf16_instructions = HasBf16Instructions(hardware)});
  if (!rows.ok()) return WithReason(rows.status(), "MODEL_UNUSABLE");
  out << "processor  " << hardware.processor << ", " << hardware.cores << " cores, "
      << absl::StrJoin(hardware.features, " ") << "\nmodel      " << config.model << "\n\n"
      << SelfTestText(*rows) << std::flush;
  return SelfTestPassed(*rows);
}

}  // namespace sluice
