#include "tests/core/inference/torch/goldens.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>

namespace sluice {
namespace {

template <typename T>
std::vector<T> Read(std::istream& in, size_t count) {
  std::vector<T> values(count);
  in.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(count * sizeof(T)));
  return values;
}

}  // namespace

Goldens ReadGoldens(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path << " cannot be read; the tests run in the source tree";
  if (!in) return {};
  Goldens goldens;
  const auto counts = Read<int32_t>(in, 2);
  goldens.dimensions = counts[1];
  const auto lengths = Read<int32_t>(in, counts[0]);
  for (const int32_t length : lengths) goldens.texts.push_back(Read<int32_t>(in, length));
  goldens.vectors = Read<float>(in, static_cast<size_t>(counts[0]) * counts[1]);
  EXPECT_TRUE(in) << path << " is short";
  return goldens;
}

double Cosine(absl::Span<const float> a, absl::Span<const float> b) {
  const double dot = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  const double aa = std::inner_product(a.begin(), a.end(), a.begin(), 0.0);
  const double bb = std::inner_product(b.begin(), b.end(), b.begin(), 0.0);
  return dot / std::sqrt(aa * bb);
}

}  // namespace sluice
