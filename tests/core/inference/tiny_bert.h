// TinyBert: a random BERT small enough to check by hand, written to a temporary model directory; every file
// can be spoilt before it is written.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sluice {

struct TinyTensor {
  std::vector<int64_t> shape;
  std::vector<float> values;
  std::string type = "F32";  // F32 or BF16, as it is stored
};

struct TinySizes {
  int64_t hidden = 8, inner = 16, positions = 24, max_tokens = 16;
};

// What goes into a model directory. Fields may be changed at will between construction and Write.
struct TinyBert {
  // Two layers, two heads, vocabulary 50, two token types.
  explicit TinyBert(uint32_t seed = 1, const TinySizes& sizes = TinySizes());

  int64_t hidden, inner, heads = 2, layers = 2, vocabulary = 50, positions;
  std::map<std::string, std::string> files;  // path in the directory to content, all the JSON
  std::map<std::string, TinyTensor> tensors;

  // Writes into a fresh directory under `parent` and returns its path. A file set to "" is left out.
  std::string Write(const std::string& parent) const;
};

// The bytes of a .safetensors file: `header` is JSON.
std::string SafetensorsBytes(const std::string& header, const std::string& data);
std::string SafetensorsBytes(const std::map<std::string, TinyTensor>& tensors);

void WriteFile(const std::string& path, const std::string& content);

// A fresh directory of its own for the running test.
std::string TestDirectory(const std::string& name);

}  // namespace sluice
