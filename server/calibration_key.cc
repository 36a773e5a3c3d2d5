#include "server/calibration_key.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace sluice {

CalibrationKey KeyOfStart(const std::string& version, const Hardware& hardware,
                          const EncoderRequest& request) {
  const TierChoice& tier = request.tier;
  const std::string devices =
      absl::StrJoin(tier.devices, ", ", [](std::string* out, const ComputeDevice& device) {
        absl::StrAppend(out, device.type, ":", device.index, " ", device.name);
      });
  return {{"sluice", version},
          {"processor", hardware.processor},
          {"cores", absl::StrCat(hardware.cores)},
          {"features", absl::StrJoin(hardware.features, " ")},
          {"tier", TierName(tier.tier)},
          {"devices", devices},
          {"replicas", absl::StrCat(tier.replicas, request.fixed_replicas ? ", fixed" : "")},
          {"threads", absl::StrCat(tier.threads_per_replica, " + ", tier.wider_replicas, " of one more")},
          {"max_batch", absl::StrCat(tier.max_batch_jobs, " jobs, ", tier.max_batch_tokens, " tokens")},
          {"precision", request.precision.has_value() ? PrecisionName(*request.precision) : "auto"}};
}

}  // namespace sluice
