#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/inference/cpu/int8_kernels.h"

namespace sluice {
namespace {

void QuantizeRow(const float* x, int64_t columns, float scale, int32_t zero, uint8_t* values) {
  for (int64_t i = 0; i < columns; ++i) {
    const int32_t value = static_cast<int32_t>(std::nearbyint(x[i] / scale)) + zero;
    values[i] = static_cast<uint8_t>(std::clamp(value, 0, 255));
  }
}

void QuantizePortable(const float* x, int64_t rows, int64_t columns, QuantizedRows out) {
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    uint8_t* const values = out.values + row * columns;
    if (!std::all_of(x, x + columns, [](float value) { return std::isfinite(value); })) {
      out.scales[row] = NAN;
      out.zeros[row] = 0;
      std::fill_n(values, columns, uint8_t{0});
      continue;
    }
    const float low = std::min(0.0F, *std::min_element(x, x + columns));
    const float high = std::max(0.0F, *std::max_element(x, x + columns));
    const float scale = std::max((high - low) / 255, 1e-30F);
    const auto zero = static_cast<int32_t>(std::nearbyint(-low / scale));
    out.scales[row] = scale;
    out.zeros[row] = static_cast<float>(zero);
    QuantizeRow(x, columns, scale, zero, values);
  }
}

float Activate(float x, Int8Epilogue epilogue) {
  switch (epilogue) {
    case Int8Epilogue::kGelu:
      return 0.5F * x * (1 + std::erf(x * 0.70710678F));
    case Int8Epilogue::kGeluTanh:
      return 0.5F * x * (1 + std::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
    case Int8Epilogue::kRelu:
      return std::max(x, 0.0F);
    case Int8Epilogue::kStore:
    case Int8Epilogue::kAdd:
      break;
  }
  return x;
}

int32_t WeightAt(const QuantizedWeights& weights, int64_t input, int64_t output) {
  const int64_t panel = output / kInt8PanelWidth, column = output % kInt8PanelWidth;
  return weights.panels[panel * weights.inputs * kInt8PanelWidth + input / 4 * 4 * kInt8PanelWidth +
                        column * 4 + input % 4];
}

void ProductPortable(QuantizedRows x, int64_t rows, const QuantizedWeights& weights, Int8Epilogue epilogue,
                     float* y) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t output = 0; output < weights.outputs; ++output) {
      int32_t sum = -static_cast<int32_t>(x.zeros[row]) * static_cast<int32_t>(weights.sums[output]);
      for (int64_t input = 0; input < weights.inputs; ++input)
        sum += x.values[row * weights.inputs + input] * WeightAt(weights, input, output);
      const float product =
          static_cast<float>(sum) * (x.scales[row] * weights.scales[output]) + weights.bias[output];
      float& to = y[row * weights.outputs + output];
      to = epilogue == Int8Epilogue::kAdd ? to + product : Activate(product, epilogue);
    }
  }
}

void LayerNormPortable(float* x, int64_t rows, int64_t columns, const LayerNormView& norm) {
  for (int64_t row = 0; row < rows; ++row, x += columns) {
    double mean = 0, variance = 0;
    for (int64_t i = 0; i < columns; ++i) mean += x[i];
    mean /= static_cast<double>(columns);
    for (int64_t i = 0; i < columns; ++i) variance += (x[i] - mean) * (x[i] - mean);
    const double inverse = 1 / std::sqrt(variance / static_cast<double>(columns) + norm.epsilon);
    for (int64_t i = 0; i < columns; ++i)
      x[i] = static_cast<float>((x[i] - mean) * inverse) * norm.scale[i] + norm.shift[i];
  }
}

void AttendOneQuery(const AttentionText& text, int64_t head, int64_t query_row) {
  const int64_t hidden = text.heads * text.head_size;
  const float* const query = text.query_key_value + query_row * 3 * hidden + head * text.head_size;
  float* const weights = text.scratch;
  float greatest = -INFINITY, sum = 0;
  for (int64_t row = 0; row < text.length; ++row) {
    const float* const key = text.query_key_value + (row * 3 + 1) * hidden + head * text.head_size;
    weights[row] = 0;
    for (int64_t i = 0; i < text.head_size; ++i) weights[row] += query[i] * key[i];
    weights[row] /= std::sqrt(static_cast<float>(text.head_size));
    greatest = std::max(greatest, weights[row]);
  }
  for (int64_t row = 0; row < text.length; ++row) sum += weights[row] = std::exp(weights[row] - greatest);
  float* const merged = text.merged + query_row * hidden + head * text.head_size;
  std::fill_n(merged, text.head_size, 0.0F);
  for (int64_t row = 0; row < text.length; ++row) {
    const float* const value = text.query_key_value + (row * 3 + 2) * hidden + head * text.head_size;
    for (int64_t i = 0; i < text.head_size; ++i) merged[i] += weights[row] / sum * value[i];
  }
}

void AttendPortable(const AttentionText& text) {
  for (int64_t head = 0; head < text.heads; ++head)
    for (int64_t row = 0; row < text.length; ++row) AttendOneQuery(text, head, row);
}

}  // namespace

const Int8Kernels& PortableInt8Kernels() {
  static constexpr Int8Kernels kernels = {"portable",       kAnyWeightPair,  {.rows = 48, .columns = 64},
                                          QuantizePortable, ProductPortable, LayerNormPortable,
                                          AttendPortable};
  static_assert(kernels.feed_block.IsValid());
  return kernels;
}

}  // namespace sluice
