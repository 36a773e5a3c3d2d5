#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/inference/torch/torch_encoder.h"
#include "server/encoder_source.h"

namespace sluice {
namespace {

class TorchEncoderSource final : public EncoderSource {
 public:
  std::vector<ComputeDevice> Devices() const override { return ListTorchDevices(); }

  absl::StatusOr<EncoderPlan> Plan(const EncoderRequest& request) override {
    SLUICE_ASSIGN_OR_RETURN(const std::shared_ptr<const BertModelFiles> files,
                            LoadBertModelFiles(request.model_directory));
    EncoderPlan plan;
    plan.model = DescribeModel(*files);
    TorchEncoderOptions options = OptionsFor(request.tier, 0);
    if (request.precision.has_value()) {
      options.precision = *request.precision;
      plan.precision_reason = "as asked for";
    } else {
      SLUICE_ASSIGN_OR_RETURN(const PrecisionChoice choice, ChoosePrecision(files, options));
      options.precision = choice.precision;
      plan.precision_reason = choice.reason;
    }
    for (int i = 0; i < request.tier.replicas; ++i) {
      TorchEncoderOptions of_replica = OptionsFor(request.tier, i);
      of_replica.precision = options.precision;
      plan.replicas.push_back({absl::StrCat(DeviceTypeName(of_replica.device), "-", i),
                               [files, of_replica] { return MakeTorchEncoder(files, of_replica); },
                               {request.tier.max_batch_tokens, request.tier.max_batch_jobs}});
    }
    return plan;
  }

  std::map<std::string, std::string> Libraries() const override { return {{"libtorch", TorchVersion()}}; }

 private:
  // Replicas go round the devices.
  static TorchEncoderOptions OptionsFor(const TierChoice& tier, int replica) {
    TorchEncoderOptions options;
    options.threads = tier.threads_per_replica;
    options.max_batch_tokens = tier.max_batch_tokens;
    options.warm_ladder = true;
    if (tier.devices.empty()) return options;
    const ComputeDevice& device = tier.devices[replica % tier.devices.size()];
    options.device = device.type == "cuda" ? DeviceType::kCuda : DeviceType::kMps;
    options.device_index = device.index;
    return options;
  }
};

}  // namespace

std::unique_ptr<EncoderSource> MakeEncoderSource() {
  return std::make_unique<TorchEncoderSource>();
}

}  // namespace sluice
