// EncoderSource: where encoders come from: LibTorch in a full build, a fake in tests, nowhere in a build
// without.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/hardware/hardware.h"
#include "core/hardware/tier.h"
#include "core/inference/calibration_file.h"
#include "core/inference/encoder.h"
#include "core/inference/encoder_calibration.h"
#include "core/inference/replica_pool.h"
#include "core/inference/self_test.h"

namespace sluice {

struct EncoderRequest {
  std::string model_directory;
  TierChoice tier;                     // cuda, mps or cpu
  bool fixed_replicas = false;         // their number was asked for and is kept
  bool bf16_instructions = true;       // of the processor
  std::optional<Precision> precision;  // nothing: the source chooses, by measurement
  CalibrationMemory memory;            // to whose key the source adds the model and its own parts
};

struct EncoderPlan {
  EncoderDescription model;  // device and precision are not set
  TierChoice tier;           // as asked for, refined by what was measured
  EncoderCalibration calibration;
  std::vector<ReplicaSpec> replicas;
};

// Used by one thread, at start.
class EncoderSource {
 public:
  virtual ~EncoderSource() = default;

  // Devices beside the processor.
  virtual std::vector<ComputeDevice> Devices() const = 0;

  // Reads the model; the replicas' encoders are made later, by their own threads. Errors as
  // LoadBertModelFiles; UNIMPLEMENTED in a build without an encoder.
  virtual absl::StatusOr<EncoderPlan> Plan(const EncoderRequest& request) = 0;

  // Every variant of the model on the processor (`request.tier`) and on each device beside it, with the
  // vectors of a fixed probe against those of fp32 on the processor; what cannot run has a row that says why.
  // Errors as Plan.
  virtual absl::StatusOr<std::vector<SelfTestRow>> SelfTest(const EncoderRequest& request) = 0;

  // Name and version of what it is built on.
  virtual std::map<std::string, std::string> Libraries() const = 0;
};

// The one this build has.
std::unique_ptr<EncoderSource> MakeEncoderSource();

}  // namespace sluice
