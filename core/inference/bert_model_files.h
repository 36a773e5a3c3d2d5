// BertModelFiles: the weights and configuration of a Hugging Face directory, checked against each other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/inference/bert_config.h"
#include "core/inference/encoder.h"
#include "core/inference/safetensors.h"

namespace sluice {

// y = x W^T + b, as PyTorch keeps it: weight [out, in], bias [out].
struct LinearTensors {
  const TensorView* weight = nullptr;
  const TensorView* bias = nullptr;
};

struct LayerNormTensors {
  const TensorView* scale = nullptr;
  const TensorView* shift = nullptr;
};

struct BertLayerTensors {
  LinearTensors query, key, value, attention_output, intermediate, output;
  LayerNormTensors attention_norm, output_norm;
};

struct BertTensors {
  const TensorView* words = nullptr;
  const TensorView* positions = nullptr;
  const TensorView* token_types = nullptr;
  LayerNormTensors embedding_norm;
  std::vector<BertLayerTensors> layers;
};

// Read once, shared by replicas. Immutable, thread-safe; the tensors point into the mapped file.
class BertModelFiles {
 public:
  BertModelFiles(std::string name, std::string digest, BertConfig config,
                 std::unique_ptr<SafetensorsFile> file, BertTensors tensors)
      : name_(std::move(name)),
        digest_(std::move(digest)),
        config_(config),
        file_(std::move(file)),
        tensors_(std::move(tensors)) {}

  const std::string& name() const { return name_; }      // the directory's own name
  const std::string& digest() const { return digest_; }  // SHA-256 of model.safetensors, hex
  const BertConfig& config() const { return config_; }
  const BertTensors& tensors() const { return tensors_; }

 private:
  const std::string name_;
  const std::string digest_;
  const BertConfig config_;
  const std::unique_ptr<SafetensorsFile> file_;
  const BertTensors tensors_;
};

// NOT_FOUND names a missing file; INVALID_ARGUMENT names file, tensor and shape of what is malformed or
// contradicts config.json; UNIMPLEMENTED names an architecture, activation or pooling that is not there.
// Reads model.safetensors (mapped, never copied whole) and what LoadBertConfig reads.
absl::StatusOr<std::shared_ptr<const BertModelFiles>> LoadBertModelFiles(const std::string& directory);

// The model's token limit, dimensions, digest: known without making an encoder. Device and precision are not
// set.
EncoderDescription DescribeModel(const BertModelFiles& files);

}  // namespace sluice
