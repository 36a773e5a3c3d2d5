// CalibrateEncoder: which precision, and which division of a processor's threads, makes a model fastest here.
// Found by measurement, never by name or core count. No Torch in this header.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/clock.h"
#include "core/inference/calibration_choice.h"
#include "core/inference/encoder_calibration.h"
#include "core/inference/encoder_measurement.h"
#include "core/inference/torch/torch_encoder.h"

namespace sluice {

struct CalibrationRequest {
  TorchEncoderOptions encoder;         // of one replica; precision and warming are not looked at
  int max_batch_jobs = 6;              // of a micro-batch
  int replicas = 1;                    // on this device, working at once
  int wider_replicas = 0;              // so many of the first have one thread more
  std::optional<Precision> precision;  // nothing: the fastest that agrees with fp32
  bool bf16_instructions = true;       // cpu: without them LibTorch emulates bf16, which is not tried
  bool may_divide = false;             // cpu: whether replicas of one thread each may take their place
  const Clock* clock = &Clock::Real();
};

struct CalibratedEncoder {
  EncoderCalibration calibration;
  ReplicaMaker make_encoder;  // of the calibration's variant
};

// Takes the variant and the division that core/inference/calibration_choice.h prefers, then fits the cost
// model to passes of many sizes on it. int8 is of one thread a replica (of at most kMaxReplicas), and tried
// with every kernel set that is fast here. Times the best of three passes over 1,024 tokens with every
// replica at work; blocks for a few seconds on two cores. Errors as MakeTorchEncoder.
absl::StatusOr<CalibratedEncoder> CalibrateEncoder(const std::shared_ptr<const BertModelFiles>& files,
                                                   const CalibrationRequest& request);

// Encoders of one variant, without measuring anything. FAILED_PRECONDITION: the device or the processor
// cannot do it, or the kernels are not there.
absl::StatusOr<ReplicaMaker> MakeReplicas(const std::shared_ptr<const BertModelFiles>& files,
                                          const TorchEncoderOptions& options, const EncoderVariant& variant);

// What a device could be asked for: fp32 first, whatever of it may fail here.
std::vector<EncoderVariant> VariantsOf(DeviceType device);

// One of them, or why it cannot be measured; `reference` holds fp32's vectors of MixedProbe, and is filled by
// fp32 where it is empty.
struct MeasuredVariant {
  VariantMeasurement measurement;
  ReplicaMaker make_encoder;
};
MeasuredVariant MeasureVariant(const std::shared_ptr<const BertModelFiles>& files,
                               const CalibrationRequest& request, const EncoderVariant& variant,
                               std::vector<float>& reference);

}  // namespace sluice
