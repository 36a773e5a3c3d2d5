#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/status_macros.h"
#include "core/inference/cpu/quantized_bert.h"
#include "core/inference/packed_batch.h"

namespace sluice {
namespace {

using Texts = absl::Span<const absl::Span<const int32_t>>;

constexpr int64_t kPartRows = 384;
constexpr int64_t kBlockRows = 96;
static_assert(kBlockRows % kInt8RowStep == 0);

int64_t WholeSteps(int64_t rows) {
  return (rows + kInt8RowStep - 1) / kInt8RowStep * kInt8RowStep;
}

Int8Epilogue EpilogueOf(Activation activation) {
  switch (activation) {
    case Activation::kGeluTanh:
      return Int8Epilogue::kGeluTanh;
    case Activation::kRelu:
      return Int8Epilogue::kRelu;
    case Activation::kGelu:
      break;
  }
  return Int8Epilogue::kGelu;
}

// The rows of a block in eight bits, of at most `columns`.
class QuantizedBlock {
 public:
  explicit QuantizedBlock(int64_t columns)
      : values_(static_cast<size_t>(kBlockRows * columns)), scales_(kBlockRows), zeros_(kBlockRows) {}

  QuantizedRows Fill(const Int8Kernels& kernels, const float* x, int64_t rows, int64_t columns) {
    const QuantizedRows block = {values_.data(), scales_.data(), zeros_.data()};
    kernels.quantize(x, rows, columns, block);
    return block;
  }

 private:
  AlignedVector<uint8_t> values_;
  AlignedVector<float> scales_;
  AlignedVector<float> zeros_;
};

class QuantizedEncoder final : public Encoder {
 public:
  explicit QuantizedEncoder(std::shared_ptr<const QuantizedBert> network)
      : network_(std::move(network)),
        kernels_(network_->kernels()),
        config_(network_->config()),
        description_(Describe(network_->files())),
        rows_(WholeSteps(std::max(kPartRows, config_.max_tokens))),
        x_(Floats(rows_ * config_.hidden_size)),
        query_key_value_(Floats(rows_ * 3 * config_.hidden_size)),
        merged_(Floats(rows_ * config_.hidden_size)),
        inner_(Floats(kBlockRows * config_.intermediate_size)),
        scratch_(Floats(AttentionScratch(config_.max_tokens, HeadSize()))),
        block_(std::max(config_.hidden_size, config_.intermediate_size)) {}

  const EncoderDescription& description() const override { return description_; }

  absl::Status Encode(Texts texts, absl::Span<float> vectors) override {
    SLUICE_RETURN_IF_ERROR(CheckTexts(description_, texts, vectors));
    float* vector = vectors.data();
    while (!texts.empty()) {
      const size_t count = TextsOfPart(texts);
      EncodePart(texts.first(count), vector);
      vector += static_cast<int64_t>(count) * config_.hidden_size;
      texts.remove_prefix(count);
    }
    return CheckFinite(vectors, description_.dimensions);
  }

 private:
  static EncoderDescription Describe(const BertModelFiles& files) {
    EncoderDescription description = DescribeModel(files);
    description.precision = Precision::kInt8;
    description.pads_to_ladder = false;
    return description;
  }

  static AlignedVector<float> Floats(int64_t count) {
    return AlignedVector<float>(static_cast<size_t>(count));
  }

  int64_t HeadSize() const { return config_.hidden_size / config_.heads; }

  size_t TextsOfPart(Texts texts) const {
    int64_t rows = 0;
    size_t count = 0;
    while (count < texts.size() && rows + static_cast<int64_t>(texts[count].size()) <= rows_)
      rows += static_cast<int64_t>(texts[count++].size());
    return count;
  }

  void EncodePart(Texts texts, float* vectors) {
    const int64_t rows = Embed(texts);
    for (const QuantizedLayer& layer : network_->layers()) {
      for (int64_t row = 0; row < rows; row += kBlockRows)
        Project(layer, row, std::min(kBlockRows, rows - row));
      Attend(texts);
      for (int64_t row = 0; row < rows; row += kBlockRows) Feed(layer, row, std::min(kBlockRows, rows - row));
    }
    Pool(texts, vectors);
  }

  // Returns the rows of the part, up to whole steps of the products; what stands in the rows beyond the texts
  // does not matter.
  int64_t Embed(Texts texts) {
    float* row = x_.data();
    for (const absl::Span<const int32_t> text : texts) {
      for (size_t i = 0; i < text.size(); ++i, row += config_.hidden_size) {
        const float* const word = network_->Word(text[i]);
        const float* const position = network_->Position(static_cast<int64_t>(i));
        for (int64_t column = 0; column < config_.hidden_size; ++column)
          row[column] = word[column] + position[column];
      }
    }
    const int64_t rows = (row - x_.data()) / config_.hidden_size;
    kernels_.layer_norm(x_.data(), rows, config_.hidden_size, network_->embedding_norm().View());
    return WholeSteps(rows);
  }

  void Project(const QuantizedLayer& layer, int64_t row, int64_t rows) {
    const int64_t hidden = config_.hidden_size;
    const QuantizedRows block = block_.Fill(kernels_, x_.data() + row * hidden, rows, hidden);
    kernels_.product(block, rows, layer.query_key_value.View(), Int8Epilogue::kStore,
                     query_key_value_.data() + row * 3 * hidden);
  }

  void Attend(Texts texts) {
    int64_t row = 0;
    for (const absl::Span<const int32_t> text : texts) {
      const auto length = static_cast<int64_t>(text.size());
      kernels_.attend({.query_key_value = query_key_value_.data() + row * 3 * config_.hidden_size,
                       .length = length,
                       .heads = config_.heads,
                       .head_size = HeadSize(),
                       .merged = merged_.data() + row * config_.hidden_size,
                       .scratch = scratch_.data()});
      row += length;
    }
  }

  void Feed(const QuantizedLayer& layer, int64_t row, int64_t rows) {
    const int64_t hidden = config_.hidden_size;
    float* const x = x_.data() + row * hidden;
    kernels_.product(block_.Fill(kernels_, merged_.data() + row * hidden, rows, hidden), rows,
                     layer.attention_output.View(), Int8Epilogue::kAdd, x);
    kernels_.layer_norm(x, rows, hidden, layer.attention_norm.View());
    kernels_.product(block_.Fill(kernels_, x, rows, hidden), rows, layer.intermediate.View(),
                     EpilogueOf(config_.activation), inner_.data());
    kernels_.product(block_.Fill(kernels_, inner_.data(), rows, config_.intermediate_size), rows,
                     layer.output.View(), Int8Epilogue::kAdd, x);
    kernels_.layer_norm(x, rows, hidden, layer.output_norm.View());
  }

  void Pool(Texts texts, float* vectors) const {
    const float* tokens = x_.data();
    for (const absl::Span<const int32_t> text : texts) {
      const auto length = static_cast<int64_t>(text.size());
      PoolText(tokens, length, vectors);
      if (config_.normalise) Normalise(vectors);
      tokens += length * config_.hidden_size;
      vectors += config_.hidden_size;
    }
  }

  void PoolText(const float* tokens, int64_t length, float* vector) const {
    const int64_t hidden = config_.hidden_size;
    std::copy_n(tokens, hidden, vector);
    if (config_.pooling == Pooling::kCls) return;
    for (int64_t row = 1; row < length; ++row) {
      const float* const token = tokens + row * hidden;
      for (int64_t i = 0; i < hidden; ++i)
        vector[i] = config_.pooling == Pooling::kMax ? std::max(vector[i], token[i]) : vector[i] + token[i];
    }
    if (config_.pooling == Pooling::kMax) return;
    for (int64_t i = 0; i < hidden; ++i) vector[i] /= static_cast<float>(length);
  }

  void Normalise(float* vector) const {
    double squares = 0;
    for (int64_t i = 0; i < config_.hidden_size; ++i) squares += double{vector[i]} * vector[i];
    const auto inverse = static_cast<float>(1 / std::max(std::sqrt(squares), 1e-12));
    for (int64_t i = 0; i < config_.hidden_size; ++i) vector[i] *= inverse;
  }

  const std::shared_ptr<const QuantizedBert> network_;
  const Int8Kernels& kernels_;
  const BertConfig config_;
  const EncoderDescription description_;
  const int64_t rows_;                    // that a part may have
  AlignedVector<float> x_;                // [rows, hidden]
  AlignedVector<float> query_key_value_;  // [rows, 3, heads, head size]
  AlignedVector<float> merged_;           // [rows, hidden], what attention gathered
  AlignedVector<float> inner_;            // [kBlockRows, intermediate]
  AlignedVector<float> scratch_;
  QuantizedBlock block_;
};

}  // namespace

std::unique_ptr<Encoder> MakeQuantizedEncoder(std::shared_ptr<const QuantizedBert> network) {
  return std::make_unique<QuantizedEncoder>(std::move(network));
}

}  // namespace sluice
