// ReferencePass: the forward pass as the paper writes it, one text, no packing, in double precision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/inference/bert_config.h"
#include "tests/core/inference/tiny_bert.h"

namespace sluice {

// `model` and `config` must outlive it.
class ReferencePass {
 public:
  ReferencePass(const TinyBert& model, const BertConfig& config) : model_(model), config_(config) {}

  std::vector<double> Encode(const std::vector<int32_t>& text) const {
    Matrix x;
    for (size_t i = 0; i < text.size(); ++i) {
      std::vector<double> row = Row("embeddings.word_embeddings.weight", text[i]);
      Add(row,
          Row("embeddings.position_embeddings.weight", static_cast<int64_t>(i) + config_.position_offset));
      Add(row, Row("embeddings.token_type_embeddings.weight", 0));
      x.push_back(row);
    }
    Norm(x, "embeddings.LayerNorm");
    for (int64_t i = 0; i < config_.layers; ++i) Layer(x, absl::StrCat("encoder.layer.", i, "."));
    return Pool(x);
  }

 private:
  using Matrix = std::vector<std::vector<double>>;

  const std::vector<float>& Values(const std::string& name) const { return model_.tensors.at(name).values; }

  std::vector<double> Row(const std::string& name, int64_t row) const {
    const auto begin = Values(name).begin() + row * config_.hidden_size;
    return std::vector<double>(begin, begin + config_.hidden_size);
  }

  static void Add(std::vector<double>& a, const std::vector<double>& b) {
    for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  }

  void Norm(Matrix& x, const std::string& name) const {
    for (auto& row : x) {
      double mean = 0, variance = 0;
      for (const double v : row) mean += v / static_cast<double>(row.size());
      for (const double v : row) variance += (v - mean) * (v - mean) / static_cast<double>(row.size());
      for (size_t i = 0; i < row.size(); ++i) {
        row[i] =
            (row[i] - mean) / std::sqrt(variance + config_.layer_norm_epsilon) * Values(name + ".weight")[i] +
            Values(name + ".bias")[i];
      }
    }
  }

  Matrix Linear(const Matrix& x, const std::string& name) const {
    const auto& weight = Values(name + ".weight");
    const auto& bias = Values(name + ".bias");
    Matrix y;
    for (const auto& row : x) {
      std::vector<double> out(bias.begin(), bias.end());
      for (size_t o = 0; o < out.size(); ++o) {
        for (size_t i = 0; i < row.size(); ++i) out[o] += row[i] * weight[o * row.size() + i];
      }
      y.push_back(out);
    }
    return y;
  }

  double Activate(double v) const {
    switch (config_.activation) {
      case Activation::kGelu:
        return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)));
      case Activation::kGeluTanh:
        return 0.5 * v * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
      case Activation::kRelu:
        return std::max(v, 0.0);
    }
    return 0;
  }

  void Layer(Matrix& x, const std::string& layer) const {
    AddAll(x, Linear(Attention(x, layer + "attention.self."), layer + "attention.output.dense"));
    Norm(x, layer + "attention.output.LayerNorm");
    Matrix inner = Linear(x, layer + "intermediate.dense");
    for (auto& row : inner) {
      for (double& v : row) v = Activate(v);
    }
    AddAll(x, Linear(inner, layer + "output.dense"));
    Norm(x, layer + "output.LayerNorm");
  }

  static void AddAll(Matrix& a, const Matrix& b) {
    for (size_t i = 0; i < a.size(); ++i) Add(a[i], b[i]);
  }

  Matrix Attention(const Matrix& x, const std::string& self) const {
    const Matrix q = Linear(x, self + "query"), k = Linear(x, self + "key"), v = Linear(x, self + "value");
    const auto size = static_cast<size_t>(config_.hidden_size / config_.heads);
    Matrix out(x.size(), std::vector<double>(config_.hidden_size));
    for (size_t head = 0; head < static_cast<size_t>(config_.heads) * size; head += size) {
      for (size_t i = 0; i < x.size(); ++i) {
        std::vector<double> weight(x.size());
        double sum = 0;
        for (size_t j = 0; j < x.size(); ++j) {
          for (size_t d = head; d < head + size; ++d) weight[j] += q[i][d] * k[j][d];
          sum += weight[j] = std::exp(weight[j] / std::sqrt(static_cast<double>(size)));
        }
        for (size_t j = 0; j < x.size(); ++j) {
          for (size_t d = head; d < head + size; ++d) out[i][d] += weight[j] / sum * v[j][d];
        }
      }
    }
    return out;
  }

  std::vector<double> Pool(const Matrix& x) const {
    std::vector<double> vector = x[0];
    for (size_t i = 1; i < x.size() && config_.pooling != Pooling::kCls; ++i) {
      for (size_t d = 0; d < vector.size(); ++d) {
        vector[d] = config_.pooling == Pooling::kMax ? std::max(vector[d], x[i][d]) : vector[d] + x[i][d];
      }
    }
    double square = 0;
    for (double& v : vector) {
      if (config_.pooling == Pooling::kMean) v /= static_cast<double>(x.size());
      square += v * v;
    }
    for (double& v : vector) v /= config_.normalise ? std::sqrt(square) : 1;
    return vector;
  }

  const TinyBert& model_;
  const BertConfig& config_;
};

}  // namespace sluice
