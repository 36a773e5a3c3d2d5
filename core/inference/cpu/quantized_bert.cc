#include "core/inference/cpu/quantized_bert.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/inference/cpu/tensor_floats.h"

namespace sluice {
namespace {

QuantizedNorm Load(const LayerNormTensors& tensors, double epsilon) {
  return {FloatsOf(*tensors.scale), FloatsOf(*tensors.shift), static_cast<float>(epsilon)};
}

AlignedVector<float> Joined(const TensorView& first, const TensorView& second, const TensorView& third) {
  AlignedVector<float> joined = FloatsOf(first);
  for (const TensorView* const tensor : {&second, &third}) {
    const AlignedVector<float> more = FloatsOf(*tensor);
    joined.insert(joined.end(), more.begin(), more.end());
  }
  return joined;
}

// Of a [rows, all] matrix.
AlignedVector<float> Columns(absl::Span<const float> matrix, size_t all, size_t begin, size_t count) {
  AlignedVector<float> columns;
  columns.reserve(matrix.size() / all * count);
  for (; !matrix.empty(); matrix.remove_prefix(all)) {
    const absl::Span<const float> wanted = matrix.subspan(begin, count);
    columns.insert(columns.end(), wanted.begin(), wanted.end());
  }
  return columns;
}

class LayerPacker {
 public:
  LayerPacker(const Int8Kernels& kernels, double epsilon, HugePageSlab& slab)
      : kernels_(kernels), epsilon_(epsilon), slab_(slab) {}

  QuantizedLayer Pack(const BertLayerTensors& tensors) const {
    return {.query_key_value = Pack(Joined(*tensors.query.weight, *tensors.key.weight, *tensors.value.weight),
                                    Joined(*tensors.query.bias, *tensors.key.bias, *tensors.value.bias)),
            .attention_output =
                Pack(FloatsOf(*tensors.attention_output.weight), FloatsOf(*tensors.attention_output.bias)),
            .feed_forward = PackStrips(tensors.intermediate, tensors.output),
            .attention_norm = Load(tensors.attention_norm, epsilon_),
            .output_norm = Load(tensors.output_norm, epsilon_)};
  }

 private:
  using Floats = absl::Span<const float>;

  QuantizedLinear Pack(Floats weight, Floats bias) const {
    return {weight, bias, kernels_.greatest_weight_pair, slab_.Take<int8_t>(weight.size())};
  }

  std::vector<QuantizedStrip> PackStrips(const LinearTensors& inner, const LinearTensors& output) const {
    const AlignedVector<float> inner_weight = FloatsOf(*inner.weight), inner_bias = FloatsOf(*inner.bias);
    const AlignedVector<float> output_weight = FloatsOf(*output.weight);
    AlignedVector<float> output_bias = FloatsOf(*output.bias);
    const size_t hidden = output_bias.size(), columns = inner_bias.size();
    const auto most = static_cast<size_t>(kernels_.feed_block.columns);
    std::vector<QuantizedStrip> strips;
    for (size_t column = 0; column < columns; column += most) {
      const size_t count = std::min(columns - column, most);
      strips.push_back({.inner = Pack(Floats(inner_weight).subspan(column * hidden, count * hidden),
                                      Floats(inner_bias).subspan(column, count)),
                        .output = Pack(Columns(output_weight, columns, column, count), output_bias)});
      absl::c_fill(output_bias, 0.0F);  // added with the first
    }
    return strips;
  }

  const Int8Kernels& kernels_;
  const double epsilon_;
  HugePageSlab& slab_;
};

// Of 255 times 127 each, so many products fit in 32 bits.
constexpr int64_t kMaxInputs = 65536;

absl::Status CheckWeights(const BertLayerTensors& layer, size_t index) {
  const std::pair<const char*, const LinearTensors*> all[] = {{"query", &layer.query},
                                                              {"key", &layer.key},
                                                              {"value", &layer.value},
                                                              {"attention output", &layer.attention_output},
                                                              {"intermediate", &layer.intermediate},
                                                              {"output", &layer.output}};
  for (const auto& [what, tensors] : all) {
    if (AllFinite(*tensors->weight)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("layer ", index, ": a weight of ", what, " is not finite"));
  }
  return absl::OkStatus();
}

absl::Status CheckMultiple(const char* what, int64_t size, int64_t factor) {
  if (size > kMaxInputs)
    return absl::FailedPreconditionError(absl::StrCat("int8 wants a ", what, " of at most ", kMaxInputs));
  if (size % factor == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("int8 wants a ", what, " that is a multiple of ", factor, "; the model's is ", size));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const QuantizedBert>> QuantizedBert::Create(
    std::shared_ptr<const BertModelFiles> files, const Int8Kernels& kernels) {
  const BertConfig& config = files->config();
  SLUICE_RETURN_IF_ERROR(CheckMultiple("hidden size", config.hidden_size, kInt8PanelWidth));
  SLUICE_RETURN_IF_ERROR(CheckMultiple("intermediate size", config.intermediate_size, kInt8PanelWidth));
  SLUICE_RETURN_IF_ERROR(CheckMultiple("head size", config.hidden_size / config.heads, 32));
  const std::vector<BertLayerTensors>& layers = files->tensors().layers;
  for (size_t i = 0; i < layers.size(); ++i) SLUICE_RETURN_IF_ERROR(CheckWeights(layers[i], i));
  return std::shared_ptr<const QuantizedBert>(new QuantizedBert(std::move(files), kernels));
}

QuantizedBert::QuantizedBert(std::shared_ptr<const BertModelFiles> files, const Int8Kernels& kernels)
    : files_(std::move(files)), kernels_(kernels) {
  const BertTensors& tensors = files_->tensors();
  words_ = FloatsInPlace(*tensors.words);
  if (words_ == nullptr) {
    copied_words_ = FloatsOf(*tensors.words);
    words_ = copied_words_.data();
  }
  const AlignedVector<float> token_types = FloatsOf(*tensors.token_types);
  positions_ = FloatsOf(*tensors.positions);
  positions_.erase(positions_.begin(), positions_.begin() + config().position_offset * config().hidden_size);
  for (size_t i = 0; i < positions_.size(); ++i)
    positions_[i] += token_types[i % static_cast<size_t>(config().hidden_size)];
  embedding_norm_ = Load(tensors.embedding_norm, config().layer_norm_epsilon);
  const LayerPacker packer(kernels, config().layer_norm_epsilon, weights_);
  layers_.reserve(tensors.layers.size());
  for (const BertLayerTensors& layer : tensors.layers) layers_.push_back(packer.Pack(layer));
}

}  // namespace sluice
