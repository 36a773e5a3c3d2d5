#include "core/inference/torch/torch_encoder.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/InferenceMode.h>

#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/inference/packed_batch.h"
#include "core/inference/row_ladder.h"
#include "core/inference/torch/bert_network.h"
#include "core/inference/torch/torch_status.h"

namespace sluice {
namespace {

at::Device DeviceOf(const TorchEncoderOptions& options) {
  switch (options.device) {
    case DeviceType::kCuda:
      return {at::kCUDA, static_cast<c10::DeviceIndex>(options.device_index)};
    case DeviceType::kMps:
      return at::Device(at::kMPS);
    case DeviceType::kCpu:
      break;
  }
  return at::Device(at::kCPU);
}

std::optional<at::ScalarType> ScalarTypeOf(const TorchEncoderOptions& options) {
  const bool cpu = options.device == DeviceType::kCpu;
  switch (options.precision) {
    case Precision::kFp32:
      return at::kFloat;
    case Precision::kBf16:
      return options.device == DeviceType::kMps ? std::nullopt : std::optional(at::kBFloat16);
    case Precision::kFp16:
      return cpu ? std::nullopt : std::optional(at::kHalf);
    case Precision::kInt8:
      break;
  }
  return std::nullopt;
}

absl::Status CheckOptions(const TorchEncoderOptions& options) {
  if (options.threads < 1)
    return absl::InvalidArgumentError(absl::StrCat("threads=", options.threads, ", want >= 1"));
  if (options.max_batch_tokens < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_batch_tokens=", options.max_batch_tokens, ", want >= 1"));
  }
  if (!ScalarTypeOf(options).has_value()) {
    return absl::FailedPreconditionError(absl::StrCat("the device ", DeviceTypeName(options.device),
                                                      " cannot do ", PrecisionName(options.precision)));
  }
  if (options.device == DeviceType::kCpu) return absl::OkStatus();
  for (const ComputeDevice& device : ListTorchDevices()) {
    if (device.type == DeviceTypeName(options.device) && device.index == options.device_index)
      return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      absl::StrCat("LibTorch sees no device ", DeviceTypeName(options.device), ":", options.device_index));
}

// Bounds the OpenMP team that the calling thread opens, and no other's. OpenMP keeps that number per thread
// (the nthreads-var of its data environment) and MKL its thread-local one; at::set_num_threads sets both. It
// also leaves the number in a process-wide variable from which every thread sets its own on its first use of
// LibTorch, so that first use must come before ours, or another replica's number would overwrite it later.
void BoundTeamOfThisThread(int threads) {
  at::get_num_threads();
  at::set_num_threads(threads);
}

class TorchEncoder final : public Encoder {
 public:
  TorchEncoder(std::shared_ptr<const BertNetwork> network, const TorchEncoderOptions& options)
      : network_(std::move(network)),
        device_(network_->device()),
        description_(Describe(network_->files(), options)) {}

  const EncoderDescription& description() const override { return description_; }

  absl::Status Encode(absl::Span<const absl::Span<const int32_t>> texts, absl::Span<float> vectors) override {
    SLUICE_RETURN_IF_ERROR(CheckTexts(description_, texts, vectors));
    SLUICE_RETURN_IF_ERROR(CatchTorch("encoding failed", [&] {
      Forward(PackTexts(texts), vectors);
      return absl::OkStatus();
    }));
    return CheckFinite(vectors, description_.dimensions);
  }

  // Elsewhere layers are only launched from here, and run later.
  bool SetBetweenLayers(std::function<void()> between_layers) override {
    if (device_.is_cpu()) between_layers_ = std::move(between_layers);
    return device_.is_cpu();
  }

  void WarmLadder(int64_t max_tokens) {
    const c10::InferenceMode inference;
    for (const int64_t rows : RowLadder(max_tokens)) network_->WarmRung(rows);
  }

 private:
  static EncoderDescription Describe(const BertModelFiles& files, const TorchEncoderOptions& options) {
    EncoderDescription description = DescribeModel(files);
    description.device = options.device;
    description.device_index = options.device_index;
    description.precision = options.precision;
    return description;
  }

  void Forward(const PackedBatch& batch, absl::Span<float> vectors) {
    const c10::InferenceMode inference;
    const c10::OptionalDeviceGuard on_device(device_.has_index() ? std::optional(device_) : std::nullopt);
    const at::Tensor packed = network_->Forward(batch, between_layers_).to(at::kCPU).contiguous();
    const auto* row = packed.const_data_ptr<float>();
    const auto dimensions = static_cast<size_t>(description_.dimensions);
    for (const int64_t text : batch.order) {
      std::memcpy(vectors.data() + text * dimensions, row, dimensions * sizeof(float));
      row += dimensions;
    }
  }

  const std::shared_ptr<const BertNetwork> network_;
  const at::Device device_;
  const EncoderDescription description_;
  std::function<void()> between_layers_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const BertNetwork>> LoadBertNetwork(
    std::shared_ptr<const BertModelFiles> files, const TorchEncoderOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckOptions(options));
  std::shared_ptr<const BertNetwork> network;
  SLUICE_RETURN_IF_ERROR(CatchTorch("loading the model failed", [&] {
    const c10::InferenceMode inference;
    network = std::make_shared<BertNetwork>(std::move(files), DeviceOf(options), *ScalarTypeOf(options));
    return absl::OkStatus();
  }));
  return network;
}

absl::StatusOr<std::unique_ptr<Encoder>> MakeTorchEncoder(std::shared_ptr<const BertNetwork> network,
                                                          const TorchEncoderOptions& options) {
  SLUICE_RETURN_IF_ERROR(CheckOptions(options));
  std::unique_ptr<TorchEncoder> encoder;
  SLUICE_RETURN_IF_ERROR(CatchTorch("making the encoder failed", [&] {
    if (options.device == DeviceType::kCpu) BoundTeamOfThisThread(options.threads);
    if (options.device == DeviceType::kCuda) at::globalContext().setBenchmarkCuDNN(true);
    const c10::InferenceMode inference;
    encoder = std::make_unique<TorchEncoder>(std::move(network), options);
    if (options.warm_ladder) encoder->WarmLadder(options.max_batch_tokens);
    return absl::OkStatus();
  }));
  return encoder;
}

absl::StatusOr<std::unique_ptr<Encoder>> MakeTorchEncoder(std::shared_ptr<const BertModelFiles> files,
                                                          const TorchEncoderOptions& options) {
  SLUICE_ASSIGN_OR_RETURN(std::shared_ptr<const BertNetwork> network,
                          LoadBertNetwork(std::move(files), options));
  return MakeTorchEncoder(std::move(network), options);
}

}  // namespace sluice
