#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "core/base/status_macros.h"
#include "core/inference/cpu/huge_page_slab.h"
#include "core/inference/cpu/quantized_bert.h"
#include "core/inference/packed_batch.h"

namespace sluice {
namespace {

using Texts = absl::Span<const absl::Span<const int32_t>>;

constexpr int64_t kPartRows = 192;

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

// What one pass writes into.
struct Arena {
  Arena(const BertConfig& config, FeedBlock block)
      : rows(WholeSteps(std::max(kPartRows, config.max_tokens))),
        x(Floats(rows * config.hidden_size)),
        query_key_value(Floats(rows * 3 * config.hidden_size)),
        merged(Floats(rows * config.hidden_size)),
        inner(Floats(block.rows * block.columns)),
        scratch(Floats(AttentionScratch(config.max_tokens, config.hidden_size / config.heads))),
        quantized(Quantized(block.rows, config.hidden_size)),
        quantized_inner(Quantized(block.rows, block.columns)) {}

  float* Floats(int64_t count) { return slab.Take<float>(static_cast<size_t>(count)).data(); }
  QuantizedRows Quantized(int64_t rows, int64_t columns) {
    return {slab.Take<uint8_t>(static_cast<size_t>(rows * columns)).data(), Floats(rows), Floats(rows)};
  }

  HugePageSlab slab;             // of all below
  const int64_t rows;            // that a part may have
  float* const x;                // [rows, hidden]
  float* const query_key_value;  // [rows, 3, heads, head size]
  float* const merged;           // [rows, hidden], what attention gathered
  float* const inner;            // [block.rows, at most block.columns]
  float* const scratch;
  const QuantizedRows quantized;        // [block.rows, hidden]
  const QuantizedRows quantized_inner;  // as `inner`
};

// The texts of a part through all layers.
class Pass {
 public:
  Pass(const QuantizedBert& network, Arena& arena, Texts texts)
      : network_(network),
        kernels_(network.kernels()),
        config_(network.config()),
        hidden_(config_.hidden_size),
        block_rows_(kernels_.feed_block.rows),
        arena_(arena),
        texts_(texts) {}

  void Run(const std::function<void()>& between_layers, float* vectors) {
    const int64_t rows = Embed();
    for (const QuantizedLayer& layer : network_.layers()) {
      if (between_layers != nullptr) between_layers();
      for (int64_t row = 0; row < rows; row += block_rows_)
        Project(layer, row, std::min(block_rows_, rows - row));
      Attend();
      for (int64_t row = 0; row < rows; row += block_rows_)
        Feed(layer, row, std::min(block_rows_, rows - row));
    }
    Pool(vectors);
  }

 private:
  // Returns the rows of the part, up to whole steps of the products; what stands in the rows beyond the texts
  // does not matter.
  int64_t Embed() {
    float* row = arena_.x;
    for (const absl::Span<const int32_t> text : texts_) {
      for (size_t i = 0; i < text.size(); ++i, row += hidden_) {
        const float* const word = network_.Word(text[i]);
        const float* const position = network_.Position(static_cast<int64_t>(i));
        for (int64_t column = 0; column < hidden_; ++column) row[column] = word[column] + position[column];
      }
    }
    const int64_t rows = (row - arena_.x) / hidden_;
    kernels_.layer_norm(arena_.x, rows, hidden_, network_.embedding_norm().View());
    return WholeSteps(rows);
  }

  QuantizedRows Quantized(const float* x, int64_t rows) {
    kernels_.quantize(x, rows, hidden_, arena_.quantized);
    return arena_.quantized;
  }

  void Project(const QuantizedLayer& layer, int64_t row, int64_t rows) {
    kernels_.product(Quantized(arena_.x + row * hidden_, rows), rows, layer.query_key_value.View(),
                     Int8Epilogue::kStore, arena_.query_key_value + row * 3 * hidden_);
  }

  void Attend() {
    int64_t row = 0;
    for (const absl::Span<const int32_t> text : texts_) {
      const auto length = static_cast<int64_t>(text.size());
      kernels_.attend({.query_key_value = arena_.query_key_value + row * 3 * hidden_,
                       .length = length,
                       .heads = config_.heads,
                       .head_size = hidden_ / config_.heads,
                       .merged = arena_.merged + row * hidden_,
                       .scratch = arena_.scratch});
      row += length;
    }
  }

  void Feed(const QuantizedLayer& layer, int64_t row, int64_t rows) {
    float* const x = arena_.x + row * hidden_;
    kernels_.product(Quantized(arena_.merged + row * hidden_, rows), rows, layer.attention_output.View(),
                     Int8Epilogue::kAdd, x);
    kernels_.layer_norm(x, rows, hidden_, layer.attention_norm.View());
    const QuantizedRows input = Quantized(x, rows);
    for (const QuantizedStrip& strip : layer.feed_forward) {
      const QuantizedWeights inner = strip.inner.View();
      kernels_.product(input, rows, inner, EpilogueOf(config_.activation), arena_.inner);
      kernels_.quantize(arena_.inner, rows, inner.outputs, arena_.quantized_inner);
      kernels_.product(arena_.quantized_inner, rows, strip.output.View(), Int8Epilogue::kAdd, x);
    }
    kernels_.layer_norm(x, rows, hidden_, layer.output_norm.View());
  }

  void Pool(float* vectors) const {
    const float* tokens = arena_.x;
    for (const absl::Span<const int32_t> text : texts_) {
      const auto length = static_cast<int64_t>(text.size());
      PoolText(tokens, length, vectors);
      if (config_.normalise) Normalise(vectors);
      tokens += length * hidden_;
      vectors += hidden_;
    }
  }

  void PoolText(const float* tokens, int64_t length, float* vector) const {
    std::copy_n(tokens, hidden_, vector);
    if (config_.pooling == Pooling::kCls) return;
    for (int64_t row = 1; row < length; ++row) {
      const float* const token = tokens + row * hidden_;
      for (int64_t i = 0; i < hidden_; ++i)
        vector[i] = config_.pooling == Pooling::kMax ? Greater(vector[i], token[i]) : vector[i] + token[i];
    }
    if (config_.pooling == Pooling::kMax) return;
    for (int64_t i = 0; i < hidden_; ++i) vector[i] /= static_cast<float>(length);
  }

  // std::max, but for a NaN, which it may lose.
  static float Greater(float a, float b) { return a > b || std::isnan(a) ? a : b; }

  void Normalise(float* vector) const {
    double squares = 0;
    for (int64_t i = 0; i < hidden_; ++i) squares += double{vector[i]} * vector[i];
    const auto inverse = static_cast<float>(1 / std::max(std::sqrt(squares), 1e-12));
    for (int64_t i = 0; i < hidden_; ++i) vector[i] *= inverse;
  }

  const QuantizedBert& network_;
  const Int8Kernels& kernels_;
  const BertConfig& config_;
  const int64_t hidden_;
  const int64_t block_rows_;
  Arena& arena_;
  const Texts texts_;
};

class QuantizedEncoder final : public Encoder {
 public:
  explicit QuantizedEncoder(std::shared_ptr<const QuantizedBert> network)
      : network_(std::move(network)), description_(Describe(network_->files())) {}

  const EncoderDescription& description() const override { return description_; }

  absl::Status Encode(Texts texts, absl::Span<float> vectors) override {
    SLUICE_RETURN_IF_ERROR(CheckTexts(description_, texts, vectors));
    if (arenas_.size() <= passes_)
      arenas_.push_back(std::make_unique<Arena>(network_->config(), network_->kernels().feed_block));
    Arena& arena = *arenas_[passes_];
    ++passes_;
    const absl::Cleanup ended = [this] { --passes_; };
    float* vector = vectors.data();
    while (!texts.empty()) {
      const size_t count = TextsOfPart(texts);
      Pass(*network_, arena, texts.first(count)).Run(between_layers_, vector);
      vector += static_cast<int64_t>(count) * description_.dimensions;
      texts.remove_prefix(count);
    }
    return CheckFinite(vectors, description_.dimensions);
  }

  bool SetBetweenLayers(std::function<void()> between_layers) override {
    between_layers_ = std::move(between_layers);
    return true;
  }

 private:
  static EncoderDescription Describe(const BertModelFiles& files) {
    EncoderDescription description = DescribeModel(files);
    description.precision = Precision::kInt8;
    description.pads_to_ladder = false;
    return description;
  }

  static size_t TextsOfPart(Texts texts) {
    int64_t rows = 0;
    size_t count = 0;
    while (count < texts.size() && rows + static_cast<int64_t>(texts[count].size()) <= kPartRows)
      rows += static_cast<int64_t>(texts[count++].size());
    return std::max<size_t>(count, 1);
  }

  const std::shared_ptr<const QuantizedBert> network_;
  const EncoderDescription description_;
  std::function<void()> between_layers_;
  std::vector<std::unique_ptr<Arena>> arenas_;  // one for each pass that stands between layers
  size_t passes_ = 0;                           // under way
};

}  // namespace

std::unique_ptr<Encoder> MakeQuantizedEncoder(std::shared_ptr<const QuantizedBert> network) {
  return std::make_unique<QuantizedEncoder>(std::move(network));
}

}  // namespace sluice
