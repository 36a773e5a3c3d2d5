#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/log.h"
#include "core/base/status_macros.h"
#include "core/inference/torch/calibrate.h"
#include "core/inference/torch/torch_encoder.h"
#include "server/encoder_source.h"
#include "server/memory_upkeep.h"

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

  absl::StatusOr<std::vector<SelfTestRow>> SelfTest(const EncoderRequest& request) override {
    SLUICE_ASSIGN_OR_RETURN(const std::shared_ptr<const BertModelFiles> files,
                            LoadBertModelFiles(request.model_directory));
    std::vector<SelfTestRow> rows;
    std::vector<float> reference;
    TestDevice(files, ProcessorRequest(request), reference, rows);
    for (const ComputeDevice& device : Devices()) {
      CalibrationRequest on_device{.encoder = OptionsFor(request.tier)};
      SetDevice(device, on_device.encoder);
      TestDevice(files, on_device, reference, rows);
    }
    return rows;
  }

  std::map<std::string, std::string> Libraries() const override { return {{"libtorch", TorchVersion()}}; }

 private:
  static TorchEncoderOptions OptionsFor(const TierChoice& tier) {
    return {
        .threads = tier.threads_per_replica, .max_batch_tokens = tier.max_batch_tokens, .warm_ladder = true};
  }

  static CalibrationRequest ProcessorRequest(const EncoderRequest& request) {
    return {.encoder = OptionsFor(request.tier),
            .max_batch_jobs = request.tier.max_batch_jobs,
            .replicas = request.tier.replicas,
            .wider_replicas = request.tier.wider_replicas,
            .precision = request.precision,
            .bf16_instructions = request.bf16_instructions,
            .may_divide = !request.fixed_replicas};
  }

  static void TestDevice(const std::shared_ptr<const BertModelFiles>& files,
                         const CalibrationRequest& request, std::vector<float>& reference,
                         std::vector<SelfTestRow>& rows) {
    const DeviceType type = request.encoder.device;
    const std::string name = type == DeviceType::kCpu
                                 ? DeviceTypeName(type)
                                 : absl::StrCat(DeviceTypeName(type), ":", request.encoder.device_index);
    for (const EncoderVariant& variant : VariantsOf(type))
      rows.push_back({name, MeasureVariant(files, request, variant, reference).measurement});
  }

  // Remembered, or else measured and remembered.
  static absl::StatusOr<CalibratedEncoder> Calibrate(const std::shared_ptr<const BertModelFiles>& files,
                                                     CalibrationMemory memory,
                                                     const CalibrationRequest& request) {
    memory.key["model"] = files->digest();
    memory.key["libtorch"] = TorchVersion();
    memory.key["variants"] = absl::StrJoin(
        VariantsOf(request.encoder.device), ", ",
        [](std::string* out, const EncoderVariant& variant) { out->append(VariantName(variant)); });
    if (std::optional<EncoderCalibration> remembered = Recall(memory)) {
      absl::StatusOr<ReplicaMaker> make_encoder = MakeReplicas(files, request.encoder, remembered->variant);
      if (make_encoder.ok()) return CalibratedEncoder{*std::move(remembered), *std::move(make_encoder)};
      Log(LogLevel::kInfo, "the encoder is measured anew: ", make_encoder.status().message());
    }
    absl::StatusOr<CalibratedEncoder> measured = CalibrateEncoder(files, request);
    if (measured.ok()) Remember(memory, measured->calibration);
    // Of the variants that were not taken: tens of megabytes that would stay with the allocator.
    GiveBackFreeMemory();
    return measured;
  }

  static EncoderPlan PlanFrom(const BertModelFiles& files, const EncoderRequest& request,
                              const EncoderCalibration& calibration) {
    EncoderPlan plan{.model = DescribeModel(files), .tier = request.tier, .calibration = calibration};
    plan.tier.replicas = calibration.division.replicas;
    plan.tier.threads_per_replica = calibration.division.threads;
    plan.tier.wider_replicas = calibration.division.wider;
    return plan;
  }

  // All replicas share one set of weights.
  static absl::StatusOr<EncoderPlan> OnProcessor(const std::shared_ptr<const BertModelFiles>& files,
                                                 const EncoderRequest& request) {
    SLUICE_ASSIGN_OR_RETURN(const CalibratedEncoder encoder,
                            Calibrate(files, request.memory, ProcessorRequest(request)));
    EncoderPlan plan = PlanFrom(*files, request, encoder.calibration);
    for (int i = 0; i < plan.tier.replicas; ++i) {
      plan.replicas.push_back(
          {absl::StrCat("cpu-", i),
           [make_encoder = encoder.make_encoder, threads = ThreadsOfReplica(plan.tier, i)] {
             return make_encoder(threads, /*warm_ladder=*/true);
           },
           {request.tier.max_batch_tokens, request.tier.max_batch_jobs},
           encoder.calibration.cost});
    }
    return plan;
  }

  // Replicas go round the devices; the first device speaks for all.
  static absl::StatusOr<EncoderPlan> OnDevices(const std::shared_ptr<const BertModelFiles>& files,
                                               const EncoderRequest& request) {
    TorchEncoderOptions options = OptionsFor(request.tier);
    SetDevice(request.tier.devices[0], options);
    SLUICE_ASSIGN_OR_RETURN(CalibratedEncoder encoder,
                            Calibrate(files, request.memory,
                                      {.encoder = options,
                                       .max_batch_jobs = request.tier.max_batch_jobs,
                                       .precision = request.precision}));
    encoder.calibration.division.replicas = request.tier.replicas;
    encoder.calibration.tokens_per_second *= static_cast<double>(request.tier.devices.size());
    EncoderPlan plan = PlanFrom(*files, request, encoder.calibration);
    options.precision = encoder.calibration.variant.precision;
    for (int i = 0; i < request.tier.replicas; ++i) {
      SetDevice(request.tier.devices[static_cast<size_t>(i) % request.tier.devices.size()], options);
      plan.replicas.push_back({absl::StrCat(DeviceTypeName(options.device), "-", i),
                               [files, options] { return MakeTorchEncoder(files, options); },
                               {request.tier.max_batch_tokens, request.tier.max_batch_jobs},
                               encoder.calibration.cost});
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
