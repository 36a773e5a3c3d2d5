// BertNetwork: the weights of a BERT-family encoder as tensors on one device, and its forward pass over
// packed tokens.
//
// ALGORITHM: Devlin et al., "BERT" (2019), post-norm encoder layers. Texts stand end to end without padding,
// so that the linear layers (nine tenths of the work) see only real tokens; attention takes each run of
// equally long texts as one batch. Query, key and value are one product, and on the CPU weights are reordered
// once into oneDNN's blocked layout. Embeddings, their norm, pooling and normalisation are in fp32 whatever
// the precision.
//
// Only for this folder: the one header here that has Torch in it.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <vector>

#include "core/inference/bert_model_files.h"
#include "core/inference/packed_batch.h"

namespace sluice {

class Linear {
 public:
  Linear(at::Tensor weight, at::Tensor bias, bool prepack);

  at::Tensor Apply(const at::Tensor& x) const;
  at::Tensor ApplyAndAdd(const at::Tensor& x, const at::Tensor& residual) const;
  at::Tensor ApplyAndActivate(const at::Tensor& x, Activation activation) const;

 private:
  at::Tensor weight_;  // [out, in], or oneDNN's own layout when prepacked
  at::Tensor bias_;
  bool prepacked_ = false;
};

struct LayerNorm {
  at::Tensor scale, shift;
  double epsilon = 0;
  at::Tensor Apply(const at::Tensor& x) const;
};

struct BertLayer {
  Linear query_key_value, attention_output, intermediate, output;
  LayerNorm attention_norm, output_norm;
};

// Immutable, so that the replicas of a device share one. Everything here throws what LibTorch throws; call it
// under c10::InferenceMode.
class BertNetwork {
 public:
  BertNetwork(std::shared_ptr<const BertModelFiles> files, at::Device device, at::ScalarType type);

  const BertModelFiles& files() const { return *files_; }
  at::Device device() const { return device_; }
  at::ScalarType type() const { return type_; }

  // float32 [texts, hidden_size] on the device, in the batch's packed order. `between_layers` may be null; it
  // may make other passes.
  at::Tensor Forward(const PackedBatch& batch, const std::function<void()>& between_layers) const;

  // Runs one layer's products on `rows` rows, which makes oneDNN's primitives for that rung; all layers share
  // them.
  void WarmRung(int64_t rows) const;

 private:
  at::Tensor Embed(const PackedBatch& batch) const;
  at::Tensor ApplyLayer(const BertLayer& layer, const at::Tensor& x, const PackedBatch& batch,
                        const at::Tensor& merged_heads) const;
  void Attend(const at::Tensor& query_key_value, const PackedBatch& batch,
              const at::Tensor& merged_heads) const;
  at::Tensor Pool(const at::Tensor& x, const PackedBatch& batch) const;

  const std::shared_ptr<const BertModelFiles> files_;  // on the CPU the word table stays in the mapped file
  const BertConfig config_;
  const at::Device device_;
  const at::ScalarType type_;
  at::Tensor words_;
  at::Tensor positions_;  // with the token type's row added
  LayerNorm embedding_norm_;
  std::vector<BertLayer> layers_;
};

}  // namespace sluice
