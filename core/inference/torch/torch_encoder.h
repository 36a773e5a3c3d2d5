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

// Weights on one device in one precision, as the forward pass wants them. Immutable and thread-safe: replicas
// of one device share it.
class BertNetwork;

// FAILED_PRECONDITION: the device is not there or cannot do the precision.
absl::StatusOr<std::shared_ptr<const BertNetwork>> LoadBertNetwork(
    std::shared_ptr<const BertModelFiles> files, const TorchEncoderOptions& options);

// Call on the thread that will use the encoder. `options` are those the network was loaded with, apart from
// threads and warming.
absl::StatusOr<std::unique_ptr<Encoder>> MakeTorchEncoder(std::shared_ptr<const BertNetwork> network,
                                                          const TorchEncoderOptions& options);

// Both steps, for a replica that has a device to itself.
absl::StatusOr<std::unique_ptr<Encoder>> MakeTorchEncoder(std::shared_ptr<const BertModelFiles> files,
                                                          const TorchEncoderOptions& options);

// CUDA and MPS devices that LibTorch sees; empty in a CPU build.
std::vector<ComputeDevice> ListTorchDevices();

// "2.13.0", of the library that is loaded.
std::string TorchVersion();

}  // namespace sluice
