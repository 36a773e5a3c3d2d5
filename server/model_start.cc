#include "server/model_start.h"

#include <cstdint>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/inference/encoder_calibration.h"
#include "core/inference/replica_pool.h"

namespace sluice {
namespace {

constexpr double kLeastPostingsPerSecond = 5;
constexpr int64_t kTokensOfAPosting = 256;  // about the median
constexpr int kMeasurements = 3;  // a busy moment at start must not cost the model until the next one

double PostingsPerSecond(const Model& model) {
  return TokensPerSecondIn(model.calibration(), model.tier().max_batch_jobs, kTokensOfAPosting) /
         kTokensOfAPosting;
}

TierChoice TooSlow(double postings_per_second) {
  return {.tier = Tier::kEmergency,
          .reason = absl::StrCat("the encoder manages ", postings_per_second, " postings/s here, less than ",
                                 kLeastPostingsPerSecond, ": rules only"),
          .replicas = 0};
}

}  // namespace

absl::StatusOr<StartedModel> StartModel(EncoderRequest request, EncoderSource& source,
                                        const ModelParts& parts) {
  if (request.tier.tier == Tier::kEmergency) return StartedModel{nullptr, request.tier};
  double rate = 0;
  for (int i = 0; i < kMeasurements; ++i) {
    SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<Model> model, Model::Load(request, source, parts));
    rate = PostingsPerSecond(*model);
    const EncoderCalibration& calibration = model->calibration();
    Log(LogLevel::kInfo, "model ", model->description().model_name, ": ", static_cast<int64_t>(rate),
        " postings/s; ", calibration.remembered ? "remembered: " : "measured: ", calibration.reason);
    if (rate >= kLeastPostingsPerSecond) {
      TierChoice tier = model->tier();
      return StartedModel{std::move(model), std::move(tier)};
    }
    request.memory.measure_anew = true;
  }
  return StartedModel{nullptr, TooSlow(rate)};
}

void ForgetAWrongCalibration(const Model& model, const std::string& calibration_file) {
  if (!CostIsOff(model.Replicas())) return;
  Log(LogLevel::kWarning, "the encoder is not as fast as was measured: the next start measures anew");
  std::error_code error;
  std::filesystem::remove(calibration_file, error);
}

}  // namespace sluice
