#include "core/inference/cpu/quantized_linear.h"

#include <algorithm>
#include <cmath>

namespace sluice {

namespace {

float ScaleOf(absl::Span<const float> weights, int greatest_pair) {
  float greatest = 1e-30F, pair = 0;
  for (size_t i = 0; i < weights.size(); i += 2) {
    const float a = weights[i], b = weights[i + 1];
    greatest = std::max({greatest, std::abs(a), std::abs(b)});
    pair = std::max({pair, std::max(a, 0.0F) + std::max(b, 0.0F), std::max(-a, 0.0F) + std::max(-b, 0.0F)});
  }
  const float scale = greatest / 127;
  if (greatest_pair >= kAnyWeightPair) return scale;
  return std::max(scale, pair / static_cast<float>(greatest_pair - 1));  // rounded, a pair may be one more
}

}  // namespace

QuantizedLinear::QuantizedLinear(absl::Span<const float> weight, absl::Span<const float> bias,
                                 int greatest_pair, absl::Span<int8_t> panels)
    : inputs_(static_cast<int64_t>(weight.size() / bias.size())),
      panels_(panels),
      scales_(bias.size()),
      sums_(bias.size()),
      bias_(bias.begin(), bias.end()) {
  const auto inputs = static_cast<size_t>(inputs_);
  for (size_t output = 0; output < bias.size(); ++output)
    PackOutput(weight.subspan(output * inputs, inputs), static_cast<int64_t>(output), greatest_pair);
}

void QuantizedLinear::PackOutput(absl::Span<const float> weights, int64_t output, int greatest_pair) {
  const float scale = ScaleOf(weights, greatest_pair);
  scales_[output] = scale;
  int8_t* const panel = panels_.data() + output / kInt8PanelWidth * kInt8PanelWidth * inputs_;
  const int64_t column = output % kInt8PanelWidth;
  int32_t sum = 0;
  for (int64_t input = 0; input < inputs_; ++input) {
    const auto value = static_cast<int8_t>(std::nearbyint(weights[input] / scale));
    panel[input / 4 * 4 * kInt8PanelWidth + column * 4 + input % 4] = value;
    sum += value;
  }
  sums_[output] = static_cast<float>(sum);
}

QuantizedWeights QuantizedLinear::View() const {
  return {.panels = panels_.data(),
          .scales = scales_.data(),
          .sums = sums_.data(),
          .bias = bias_.data(),
          .inputs = inputs_,
          .outputs = static_cast<int64_t>(bias_.size())};
}

}  // namespace sluice
