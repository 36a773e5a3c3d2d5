// TorchEncoder: BERT-family encoders on LibTorch. This header has no Torch in it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/hardware/hardware.h"
#include "core/inference/bert_model_files.h"
#include "core/inference/encoder.h"

namespace sluice {

struct TorchEncoderOptions {
  DeviceType device = DeviceType::kCpu;
  int device_index = 0;
  Precision precision = Precision::kFp32;  // fp32, bf16; fp16 on cuda and mps
  int threads = 1;                         // cpu only: of the calling thread's OpenMP team, >= 1
  int64_t max_batch_tokens = 4096;         // the ladder's top; larger batches still run
  bool warm_ladder = false;                // run every rung once before returning
};

// Call on the thread that will use it. FAILED_PRECONDITION: the device is not there or cannot do the
// precision.
absl::StatusOr<std::unique_ptr<Encoder>> MakeTorchEncoder(std::shared_ptr<const BertModelFiles> files,
                                                          const TorchEncoderOptions& options);

// CUDA and MPS devices that LibTorch sees; empty in a CPU build.
std::vector<ComputeDevice> ListTorchDevices();

// "2.13.0", of the library that is loaded.
std::string TorchVersion();

// The fastest precision of those the device runs whose vectors agree with fp32 (cosine >= 0.999) on a fixed
// probe; measured, takes about a second. `reason` says what was measured.
struct PrecisionChoice {
  Precision precision = Precision::kFp32;
  double tokens_per_second = 0;
  std::string reason;
};
absl::StatusOr<PrecisionChoice> ChoosePrecision(std::shared_ptr<const BertModelFiles> files,
                                                TorchEncoderOptions options);

}  // namespace sluice
