#include "core/inference/torch/calibrate.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/status_macros.h"
#include "core/hardware/tier.h"
#include "core/inference/cpu/quantized_bert.h"

namespace sluice {
namespace {

// Together about a second of passes, of which those of the first round are not timed.
constexpr double kSecondsOfCurveRound = 0.25;
constexpr int kCurveRounds = 3;

absl::StatusOr<ReplicaMaker> MakeInt8Replicas(const std::shared_ptr<const BertModelFiles>& files,
                                              const TorchEncoderOptions& options,
                                              const std::string& kernels) {
  for (const Int8Kernels* const set : FastInt8Kernels()) {
    if (options.device != DeviceType::kCpu || kernels != set->name) continue;
    SLUICE_ASSIGN_OR_RETURN(const std::shared_ptr<const QuantizedBert> network,
                            QuantizedBert::Create(files, *set));
    return [network](int, bool) -> absl::StatusOr<std::unique_ptr<Encoder>> {
      return MakeQuantizedEncoder(network);
    };
  }
  return absl::FailedPreconditionError(
      "int8 runs on x86-64 processors with AVX2 or more, and on no other device");
}

Division Asked(const CalibrationRequest& request) {
  return {.replicas = request.replicas, .threads = request.encoder.threads, .wider = request.wider_replicas};
}

Division SingleThreads(const Division& asked) {
  return {.replicas = std::min(kMaxReplicas, asked.AllThreads()), .threads = 1};
}

Division DivisionOf(const CalibrationRequest& request, const EncoderVariant& variant) {
  const Division asked = Asked(request);
  if (variant.precision != Precision::kInt8) return asked;
  return request.may_divide ? SingleThreads(asked) : Division{.replicas = asked.replicas, .threads = 1};
}

// An emulated bf16 never wins; who asks for it gets it.
bool IsEmulated(const CalibrationRequest& request, const EncoderVariant& variant) {
  return request.encoder.device == DeviceType::kCpu && variant.precision == Precision::kBf16 &&
         !request.bf16_instructions && request.precision != Precision::kBf16;
}

std::vector<CostSample> SamplesOf(const EncoderVariant& variant, absl::Span<const CurvePoint> curve) {
  EncoderDescription encoder;
  encoder.pads_to_ladder = variant.kernels.empty();
  std::vector<CostSample> samples;
  for (const CurvePoint& point : curve) {
    const PassShape shape = {static_cast<int>(point.tokens / point.text_tokens), point.text_tokens};
    samples.push_back({SizeOf(encoder, shape), point.seconds});
  }
  return samples;
}

class Calibrator {
 public:
  Calibrator(const std::shared_ptr<const BertModelFiles>& files, const CalibrationRequest& request)
      : files_(files), request_(request), asked_(Asked(request)) {}

  absl::StatusOr<CalibratedEncoder> Run() {
    SLUICE_RETURN_IF_ERROR(request_.precision.has_value() ? Take(*request_.precision) : ChooseVariant());
    CalibratedEncoder result{.calibration = {.variant = chosen_.measurement.variant,
                                             .division = chosen_.measurement.division,
                                             .tokens_per_second = chosen_.measurement.tokens_per_second},
                             .make_encoder = std::move(chosen_.make_encoder)};
    if (MayDivide(result.calibration)) Divide(result);
    FitCost(result);
    result.calibration.reason = std::move(reason_);
    return result;
  }

 private:
  MeasuredVariant Measure(const EncoderVariant& variant) {
    return MeasureVariant(files_, request_, variant, reference_);
  }

  // The fastest with that precision, of which there are several where there are several sets of kernels.
  absl::Status Take(Precision precision) {
    std::vector<EncoderVariant> variants;
    for (const EncoderVariant& variant : VariantsOf(request_.encoder.device)) {
      if (variant.precision == precision) variants.push_back(variant);
    }
    if (variants.empty()) variants.push_back({.precision = precision});
    for (const EncoderVariant& variant : variants) {
      MeasuredVariant measured = Measure(variant);
      const bool first = chosen_.make_encoder == nullptr;
      if (measured.make_encoder == nullptr && first) chosen_.measurement = measured.measurement;
      if (measured.make_encoder == nullptr) continue;
      if (first || measured.measurement.tokens_per_second > chosen_.measurement.tokens_per_second)
        chosen_ = std::move(measured);
    }
    const VariantMeasurement& taken = chosen_.measurement;
    if (chosen_.make_encoder == nullptr) return taken.status;
    reason_ = absl::StrFormat("%s as asked for: %.0f tokens/s (%d x %d threads)", VariantName(taken.variant),
                              taken.tokens_per_second, taken.division.replicas, taken.division.threads);
    return absl::OkStatus();
  }

  // Of what was measured only the fastest so far is kept, with its weights.
  absl::Status ChooseVariant() {
    for (const EncoderVariant& variant : VariantsOf(request_.encoder.device)) {
      MeasuredVariant candidate = Measure(variant);
      const bool is_fp32 = reason_.empty();
      if (is_fp32) SLUICE_RETURN_IF_ERROR(candidate.measurement.status);
      absl::StrAppend(&reason_, is_fp32 ? "" : "; ", MeasurementText(candidate.measurement));
      if (is_fp32 || TakesThePlaceOf(candidate.measurement, chosen_.measurement))
        chosen_ = std::move(candidate);
    }
    return absl::OkStatus();
  }

  bool MayDivide(const EncoderCalibration& calibration) const {
    return request_.may_divide && calibration.division.threads > 1 && asked_.AllThreads() <= kMaxReplicas;
  }

  void Divide(CalibratedEncoder& whole) {
    const Division single = SingleThreads(asked_);
    const auto divided =
        MeasureThroughput(whole.make_encoder, single, MixedProbe(DescribeModel(*files_)), *request_.clock);
    absl::StrAppend(&reason_, "; ", single.replicas, " replicas of one thread: ");
    if (!divided.ok()) return absl::StrAppend(&reason_, divided.status().message());
    absl::StrAppend(&reason_, absl::StrFormat("%.0f tokens/s", divided->tokens_per_second));
    if (!IsWorthDividing(whole.calibration.tokens_per_second, divided->tokens_per_second)) return;
    whole.calibration.division = single;
    whole.calibration.tokens_per_second = divided->tokens_per_second;
  }

  // Without one, the rate speaks for all passes.
  void FitCost(CalibratedEncoder& encoder) {
    EncoderCalibration& calibration = encoder.calibration;
    const absl::Status fitted = [&]() -> absl::Status {
      const std::vector<PassShape> shapes = SpreadOfPasses(
          DescribeModel(*files_).max_tokens,
          {.max_tokens = request_.encoder.max_batch_tokens, .max_jobs = request_.max_batch_jobs},
          calibration.tokens_per_second / calibration.division.replicas, kSecondsOfCurveRound);
      SLUICE_ASSIGN_OR_RETURN(calibration.curve, MeasureCurve(encoder.make_encoder, calibration.division,
                                                              shapes, kCurveRounds, *request_.clock));
      SLUICE_ASSIGN_OR_RETURN(calibration.cost,
                              FitCostModel(SamplesOf(calibration.variant, calibration.curve)));
      return absl::OkStatus();
    }();
    if (!fitted.ok()) absl::StrAppend(&reason_, "; no cost model: ", fitted.message());
  }

  const std::shared_ptr<const BertModelFiles> files_;
  const CalibrationRequest request_;
  const Division asked_;
  std::vector<float> reference_;  // fp32's vectors
  MeasuredVariant chosen_;
  std::string reason_;
};

}  // namespace

std::vector<EncoderVariant> VariantsOf(DeviceType device) {
  if (device == DeviceType::kCuda) return {{Precision::kFp32}, {Precision::kFp16}, {Precision::kBf16}};
  if (device == DeviceType::kMps) return {{Precision::kFp32}, {Precision::kFp16}};
  std::vector<EncoderVariant> variants = {{Precision::kFp32}, {Precision::kBf16}};
  for (const Int8Kernels* const set : FastInt8Kernels()) variants.push_back({Precision::kInt8, set->name});
  if (FastInt8Kernels().empty()) variants.push_back({Precision::kInt8});
  return variants;
}

absl::StatusOr<ReplicaMaker> MakeReplicas(const std::shared_ptr<const BertModelFiles>& files,
                                          const TorchEncoderOptions& options, const EncoderVariant& variant) {
  if (variant.precision == Precision::kInt8) return MakeInt8Replicas(files, options, variant.kernels);
  TorchEncoderOptions own = options;
  own.precision = variant.precision;
  SLUICE_ASSIGN_OR_RETURN(const std::shared_ptr<const BertNetwork> network, LoadBertNetwork(files, own));
  return [network, own](int threads, bool warm_ladder) {
    TorchEncoderOptions replica = own;
    replica.threads = threads;
    replica.warm_ladder = warm_ladder;
    return MakeTorchEncoder(network, replica);
  };
}

MeasuredVariant MeasureVariant(const std::shared_ptr<const BertModelFiles>& files,
                               const CalibrationRequest& request, const EncoderVariant& variant,
                               std::vector<float>& reference) {
  MeasuredVariant result{.measurement = {.variant = variant, .division = DivisionOf(request, variant)}};
  result.measurement.status = [&]() -> absl::Status {
    if (IsEmulated(request, variant))
      return absl::FailedPreconditionError("the processor has no instructions for it");
    SLUICE_ASSIGN_OR_RETURN(ReplicaMaker make_encoder, MakeReplicas(files, request.encoder, variant));
    const EncoderDescription model = DescribeModel(*files);
    SLUICE_ASSIGN_OR_RETURN(
        ThroughputMeasurement measured,
        MeasureThroughput(make_encoder, result.measurement.division, MixedProbe(model), *request.clock));
    result.measurement.tokens_per_second = measured.tokens_per_second;
    if (reference.empty() && variant.precision == Precision::kFp32) reference = measured.vectors;
    if (!reference.empty())
      result.measurement.least_cosine = LeastCosine(measured.vectors, reference, model.dimensions);
    result.make_encoder = std::move(make_encoder);
    return absl::OkStatus();
  }();
  return result;
}

absl::StatusOr<CalibratedEncoder> CalibrateEncoder(const std::shared_ptr<const BertModelFiles>& files,
                                                   const CalibrationRequest& request) {
  return Calibrator(files, request).Run();
}

}  // namespace sluice
