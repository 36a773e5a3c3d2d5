// Goldens: token ids and reference vectors, as tests/golden/make_encoder_goldens.py writes them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"

namespace sluice {

struct Goldens {
  int dimensions = 0;
  std::vector<std::vector<int32_t>> texts;
  std::vector<float> vectors;  // [texts, dimensions]

  absl::Span<const float> Vector(size_t text) const {
    return absl::MakeConstSpan(vectors).subspan(text * dimensions, dimensions);
  }
};

// Fails the test when the file is missing or short.
Goldens ReadGoldens(const std::string& path);

double Cosine(absl::Span<const float> a, absl::Span<const float> b);

}  // namespace sluice
