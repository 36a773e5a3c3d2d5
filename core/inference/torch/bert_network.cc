#include "core/inference/torch/bert_network.h"

#include <cstdint>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

at::ScalarType ScalarTypeOf(TensorType type) {
  switch (type) {
    case TensorType::kF16:
      return at::kHalf;
    case TensorType::kBf16:
      return at::kBFloat16;
    default:
      return at::kFloat;
  }
}

// The tensor in place where its alignment allows; the format does not promise any.
at::Tensor Mapped(const TensorView& view) {
  const at::TensorOptions options = at::dtype(ScalarTypeOf(view.type));
  const bool aligned = reinterpret_cast<uintptr_t>(view.data) % TensorTypeBytes(view.type) == 0;
  if (aligned) return at::from_blob(const_cast<std::byte*>(view.data), view.shape, options);
  at::Tensor copy = at::empty(view.shape, options);
  std::memcpy(copy.data_ptr(), view.data, static_cast<size_t>(view.bytes));
  return copy;
}

class WeightLoader {
 public:
  WeightLoader(at::Device device, at::ScalarType type, double epsilon)
      : device_(device), type_(type), epsilon_(epsilon) {}

  Linear Load(const LinearTensors& tensors) const {
    return Linear(At(tensors.weight, type_), At(tensors.bias, type_), device_.is_cpu());
  }

  Linear LoadFused(const BertLayerTensors& layer) const {
    const at::Tensor weight =
        at::cat({At(layer.query.weight, type_), At(layer.key.weight, type_), At(layer.value.weight, type_)});
    const at::Tensor bias =
        at::cat({At(layer.query.bias, type_), At(layer.key.bias, type_), At(layer.value.bias, type_)});
    return Linear(weight, bias, device_.is_cpu());
  }

  LayerNorm Load(const LayerNormTensors& tensors, at::ScalarType type) const {
    return {At(tensors.scale, type), At(tensors.shift, type), epsilon_};
  }

  BertLayer Load(const BertLayerTensors& layer) const {
    return {.query_key_value = LoadFused(layer),
            .attention_output = Load(layer.attention_output),
            .intermediate = Load(layer.intermediate),
            .output = Load(layer.output),
            .attention_norm = Load(layer.attention_norm, type_),
            .output_norm = Load(layer.output_norm, type_)};
  }

 private:
  at::Tensor At(const TensorView* view, at::ScalarType type) const { return Mapped(*view).to(device_, type); }

  const at::Device device_;
  const at::ScalarType type_;
  const double epsilon_;
};

}  // namespace

at::Tensor LayerNorm::Apply(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, scale, shift, epsilon);
}

BertNetwork::BertNetwork(std::shared_ptr<const BertModelFiles> files, at::Device device, at::ScalarType type)
    : files_(std::move(files)), config_(files_->config()), device_(device), type_(type) {
  const BertTensors& tensors = files_->tensors();
  const WeightLoader loader(device, type, config_.layer_norm_epsilon);
  words_ = Mapped(*tensors.words).to(device);
  const at::Tensor positions =
      Mapped(*tensors.positions)
          .narrow(0, config_.position_offset, config_.positions - config_.position_offset);
  const at::Tensor token_type = Mapped(*tensors.token_types).select(0, 0);
  positions_ = (positions.to(at::kFloat) + token_type.to(at::kFloat)).to(device);
  embedding_norm_ = loader.Load(tensors.embedding_norm, at::kFloat);
  layers_.reserve(tensors.layers.size());
  for (const BertLayerTensors& layer : tensors.layers) layers_.push_back(loader.Load(layer));
}

at::Tensor BertNetwork::Forward(const PackedBatch& batch, const std::function<void()>& between_layers) const {
  at::Tensor x = Embed(batch);
  // Attention writes the rows of texts only; the padding below them stays zero through all layers.
  const at::Tensor merged_heads = at::zeros_like(x);
  for (const BertLayer& layer : layers_) {
    if (between_layers != nullptr) between_layers();
    x = ApplyLayer(layer, x, batch, merged_heads);
  }
  return Pool(x, batch);
}

void BertNetwork::WarmRung(int64_t rows) const {
  const BertLayer& layer = layers_.front();
  const at::Tensor x = at::zeros({rows, config_.hidden_size}, at::TensorOptions(device_).dtype(type_));
  layer.query_key_value.Apply(x);
  layer.attention_output.ApplyAndAdd(x, x);
  layer.output.ApplyAndAdd(layer.intermediate.ApplyAndActivate(x, config_.activation), x);
}

at::Tensor BertNetwork::Embed(const PackedBatch& batch) const {
  const auto indices = [this](const std::vector<int64_t>& values) {
    const auto rows = static_cast<int64_t>(values.size());
    return at::from_blob(const_cast<int64_t*>(values.data()), {rows}, at::dtype(at::kLong)).to(device_);
  };
  at::Tensor x = at::embedding(words_, indices(batch.ids)).to(at::kFloat);
  x.add_(at::embedding(positions_, indices(batch.positions)));
  return embedding_norm_.Apply(x).to(type_);
}

at::Tensor BertNetwork::ApplyLayer(const BertLayer& layer, const at::Tensor& x, const PackedBatch& batch,
                                   const at::Tensor& merged_heads) const {
  Attend(layer.query_key_value.Apply(x), batch, merged_heads);
  const at::Tensor attended = layer.attention_norm.Apply(layer.attention_output.ApplyAndAdd(merged_heads, x));
  const at::Tensor inner = layer.intermediate.ApplyAndActivate(attended, config_.activation);
  return layer.output_norm.Apply(layer.output.ApplyAndAdd(inner, attended));
}

void BertNetwork::Attend(const at::Tensor& query_key_value, const PackedBatch& batch,
                         const at::Tensor& merged_heads) const {
  const int64_t head_size = config_.hidden_size / config_.heads;
  for (const EqualLengthGroup& group : batch.groups) {
    const int64_t rows = group.texts * group.length;
    // [3, texts, heads, length, head_size], all views.
    const at::Tensor parts = query_key_value.narrow(0, group.first_row, rows)
                                 .view({group.texts, group.length, 3, config_.heads, head_size})
                                 .permute({2, 0, 3, 1, 4});
    const at::Tensor heads = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
    merged_heads.narrow(0, group.first_row, rows)
        .view({group.texts, group.length, config_.heads, head_size})
        .copy_(heads.transpose(1, 2));
  }
}

at::Tensor BertNetwork::Pool(const at::Tensor& x, const PackedBatch& batch) const {
  std::vector<at::Tensor> pooled;
  pooled.reserve(batch.groups.size());
  for (const EqualLengthGroup& group : batch.groups) {
    const at::Tensor tokens = x.narrow(0, group.first_row, group.texts * group.length)
                                  .view({group.texts, group.length, config_.hidden_size});
    switch (config_.pooling) {
      case Pooling::kMean:
        pooled.push_back(tokens.to(at::kFloat).mean(1));
        break;
      case Pooling::kCls:
        pooled.push_back(tokens.select(1, 0).to(at::kFloat));
        break;
      case Pooling::kMax:
        pooled.push_back(tokens.amax(1).to(at::kFloat));
        break;
    }
  }
  at::Tensor vectors = at::cat(pooled);
  if (config_.normalise)
    vectors.div_(at::linalg_vector_norm(vectors, 2, {-1}, /*keepdim=*/true).clamp_min_(1e-12));
  return vectors;
}

}  // namespace sluice
