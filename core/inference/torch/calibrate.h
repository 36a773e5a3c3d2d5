// CalibrateEncoder: which precision, and which division of a processor's threads, makes a model fastest here.
// Found by measurement, never by name or core count. No Torch in this header.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/inference/torch/torch_encoder.h"

namespace sluice {

struct CalibrationRequest {
  TorchEncoderOptions encoder;         // of one replica; precision and warming are not looked at
  int replicas = 1;                    // on this device, working at once
  std::optional<Precision> precision;  // nothing: the fastest that agrees with fp32
  bool bf16_instructions = true;       // cpu: without them LibTorch emulates bf16, which is not tried
  bool may_divide = false;             // cpu: whether replicas of one thread each may take their place
};

// Makes the encoder of one replica with so many threads; call it on the thread that will use the encoder.
// Copies share one set of weights. Thread-safe.
using ReplicaMaker = std::function<absl::StatusOr<std::unique_ptr<Encoder>>(int threads, bool warm_ladder)>;

struct Calibration {
  ReplicaMaker make_encoder;  // in that precision
  Precision precision = Precision::kFp32;
  int replicas = 1;
  int threads = 1;               // of each replica
  double tokens_per_second = 0;  // of all replicas together
  std::string reason;            // what was measured, for people
};

// Takes the fastest precision whose vectors agree with fp32 on a fixed probe, and which is at least 10 %
// faster, (cosine >= 0.999; int8: >= 0.99, see docs/quality.md for what that means to rankings), then the
// division that is at least 5 % faster than the one asked for (of at most kMaxReplicas). int8 is of one
// thread a replica, and tried where Int8Kernels are fast. Times the best of three passes over 1,024 tokens
// with every replica at work; blocks for about two seconds on two cores. Errors as MakeTorchEncoder.
absl::StatusOr<Calibration> CalibrateEncoder(const std::shared_ptr<const BertModelFiles>& files,
                                             const CalibrationRequest& request);

}  // namespace sluice
