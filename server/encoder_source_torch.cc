#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/inference/torch/calibrate.h"
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
    return request.tier.devices.empty() ? OnProcessor(files, request) : OnDevices(files, request);
  }

  std::map<std::string, std::string> Libraries() const override { return {{"libtorch", TorchVersion()}}; }

 private:
  static TorchEncoderOptions OptionsFor(const TierChoice& tier) {
    return {
        .threads = tier.threads_per_replica, .max_batch_tokens = tier.max_batch_tokens, .warm_ladder = true};
  }

  static EncoderPlan PlanFrom(const BertModelFiles& files, const EncoderRequest& request,
                              const Calibration& calibration) {
    EncoderPlan plan{.model = DescribeModel(files),
                     .tier = request.tier,
                     .tokens_per_second = calibration.tokens_per_second,
                     .reason = calibration.reason};
    plan.tier.replicas = calibration.replicas;
    plan.tier.threads_per_replica = calibration.threads;
    return plan;
  }

  // All replicas share one set of weights.
  static absl::StatusOr<EncoderPlan> OnProcessor(const std::shared_ptr<const BertModelFiles>& files,
                                                 const EncoderRequest& request) {
    SLUICE_ASSIGN_OR_RETURN(const Calibration calibration,
                            CalibrateEncoder(files, {.encoder = OptionsFor(request.tier),
                                                     .replicas = request.tier.replicas,
                                                     .precision = request.precision,
                                                     .bf16_instructions = request.bf16_instructions,
                                                     .may_divide = !request.fixed_replicas}));
    EncoderPlan plan = PlanFrom(*files, request, calibration);
    for (int i = 0; i < calibration.replicas; ++i) {
      plan.replicas.push_back({absl::StrCat("cpu-", i),
                               [make_encoder = calibration.make_encoder, threads = calibration.threads] {
                                 return make_encoder(threads, /*warm_ladder=*/true);
                               },
                               {request.tier.max_batch_tokens, request.tier.max_batch_jobs}});
    }
    return plan;
  }

  // Replicas go round the devices; the first device speaks for all.
  static absl::StatusOr<EncoderPlan> OnDevices(const std::shared_ptr<const BertModelFiles>& files,
                                               const EncoderRequest& request) {
    TorchEncoderOptions options = OptionsFor(request.tier);
    SetDevice(request.tier.devices[0], options);
    SLUICE_ASSIGN_OR_RETURN(Calibration calibration,
                            CalibrateEncoder(files, {.encoder = options, .precision = request.precision}));
    calibration.replicas = request.tier.replicas;
    calibration.tokens_per_second *= static_cast<double>(request.tier.devices.size());
    EncoderPlan plan = PlanFrom(*files, request, calibration);
    options.precision = calibration.precision;
    for (int i = 0; i < request.tier.replicas; ++i) {
      SetDevice(request.tier.devices[i % request.tier.devices.size()], options);
      plan.replicas.push_back({absl::StrCat(DeviceTypeName(options.device), "-", i),
                               [files, options] { return MakeTorchEncoder(files, options); },
                               {request.tier.max_batch_tokens, request.tier.max_batch_jobs}});
    }
    return plan;
  }

  static void SetDevice(const ComputeDevice& device, TorchEncoderOptions& options) {
    options.device = device.type == "cuda" ? DeviceType::kCuda : DeviceType::kMps;
    options.device_index = device.index;
  }
};

}  // namespace

std::unique_ptr<EncoderSource> MakeEncoderSource() {
  return std::make_unique<TorchEncoderSource>();
}

}  // namespace sluice
