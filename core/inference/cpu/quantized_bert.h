// QuantizedBert: a BERT-family encoder whose products run in eight bits on one thread of a processor.
//
// ALGORITHM: as BertNetwork (core/inference/torch), with the four products of a layer on quantized rows and
// weights, and the rest in fp32 (see Int8Kernels). A pass takes whole texts, up to about 192 tokens of them
// at a time, through all layers, so that what it writes is still in the processor's cache when it is read; of
// the feed-forward's inner matrix, one block at a time (Int8Kernels::feed_block), each with scales and zeros
// of its own. No row ever meets another outside its text: a text's vector is the same to the bit whatever it
// is batched with.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/inference/bert_model_files.h"
#include "core/inference/cpu/huge_page_slab.h"
#include "core/inference/cpu/int8_kernels.h"
#include "core/inference/cpu/quantized_linear.h"
#include "core/inference/encoder.h"

namespace sluice {

struct QuantizedNorm {
  AlignedVector<float> scale, shift;
  float epsilon = 0;
  LayerNormView View() const { return {scale.data(), shift.data(), epsilon}; }
};

// Some of the feed-forward's inner columns: from the layer's width to them, and from them what they add to
// it.
struct QuantizedStrip {
  QuantizedLinear inner, output;
};

struct QuantizedLayer {
  QuantizedLinear query_key_value, attention_output;
  std::vector<QuantizedStrip> feed_forward;
  QuantizedNorm attention_norm, output_norm;
};

// Immutable and thread-safe: replicas share one.
class QuantizedBert {
 public:
  // `kernels` must outlive it. FAILED_PRECONDITION names a size that they do not do: hidden and intermediate
  // size are multiples of 64, a head's a multiple of 32.
  static absl::StatusOr<std::shared_ptr<const QuantizedBert>> Create(
      std::shared_ptr<const BertModelFiles> files, const Int8Kernels& kernels);

  const BertModelFiles& files() const { return *files_; }
  const BertConfig& config() const { return files_->config(); }
  const Int8Kernels& kernels() const { return kernels_; }
  const std::vector<QuantizedLayer>& layers() const { return layers_; }
  const QuantizedNorm& embedding_norm() const { return embedding_norm_; }
  const float* Word(int32_t id) const { return words_ + id * config().hidden_size; }
  // With the token type's row added; `position` is the token's place in its text.
  const float* Position(int64_t position) const {
    return positions_.data() + position * config().hidden_size;
  }

 private:
  QuantizedBert(std::shared_ptr<const BertModelFiles> files, const Int8Kernels& kernels);

  const std::shared_ptr<const BertModelFiles> files_;
  const Int8Kernels& kernels_;
  AlignedVector<float> copied_words_;  // empty where the mapped file can be read as it is
  const float* words_ = nullptr;
  AlignedVector<float> positions_;
  HugePageSlab weights_;
  QuantizedNorm embedding_norm_;
  std::vector<QuantizedLayer> layers_;
};

// An encoder of precision int8. Its working memory is its own: 20 bytes times hidden size for each token of a
// part and five times a FeedBlock, on whole huge pages; as much again for a pass between its layers.
std::unique_ptr<Encoder> MakeQuantizedEncoder(std::shared_ptr<const QuantizedBert> network);

}  // namespace sluice
