#include "tests/core/inference/tiny_bert.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/substitute.h"
#include "tests/contract/scratch_directory.h"

namespace sluice {
namespace {

std::string TensorBytes(const TinyTensor& tensor) {
  const size_t element_bytes = tensor.type == "BF16" ? 2 : 4;
  std::string bytes(tensor.values.size() * element_bytes, '\0');
  for (size_t i = 0; i < tensor.values.size(); ++i) {
    // bf16 is the upper half of fp32; both little-endian here.
    const char* value = reinterpret_cast<const char*>(&tensor.values[i]);
    std::memcpy(&bytes[i * element_bytes], value + 4 - element_bytes, element_bytes);
  }
  return bytes;
}

}  // namespace

TinyBert::TinyBert(uint32_t seed, const TinySizes& sizes)
    : hidden(sizes.hidden), inner(sizes.inner), positions(sizes.positions) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, 0.5F);
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    size_t size = 1;
    for (const int64_t n : shape) size *= static_cast<size_t>(n);
    TinyTensor tensor{std::move(shape), std::vector<float>(size)};
    const float centre = absl::StrContains(name, "LayerNorm.weight") ? 1.0F : 0.0F;
    for (float& value : tensor.values) value = centre + normal(generator);
    tensors[name] = std::move(tensor);
  };
  const auto add_pair = [&](const std::string& name, std::vector<int64_t> shape) {
    add(name + ".bias", {shape[0]});
    add(name + ".weight", std::move(shape));
  };
  add("embeddings.word_embeddings.weight", {vocabulary, hidden});
  add("embeddings.position_embeddings.weight", {positions, hidden});
  add("embeddings.token_type_embeddings.weight", {2, hidden});
  add_pair("embeddings.LayerNorm", {hidden});
  for (int64_t i = 0; i < layers; ++i) {
    const std::string layer = absl::StrCat("encoder.layer.", i, ".");
    for (const char* part : {"query", "key", "value"}) {
      add_pair(absl::StrCat(layer, "attention.self.", part), {hidden, hidden});
    }
    add_pair(layer + "attention.output.dense", {hidden, hidden});
    add_pair(layer + "attention.output.LayerNorm", {hidden});
    add_pair(layer + "intermediate.dense", {inner, hidden});
    add_pair(layer + "output.dense", {hidden, inner});
    add_pair(layer + "output.LayerNorm", {hidden});
  }
  files["config.json"] = absl::Substitute(
      R"({"model_type": "bert", "hidden_size": $0, "num_hidden_layers": 2,
    "num_attention_heads": 2, "intermediate_size": $1, "hidden_act": "gelu", "layer_norm_eps": 1e-5,
    "max_position_embeddings": $2, "type_vocab_size": 2, "vocab_size": 50, "pad_token_id": 0})",
      hidden, inner, positions);
  files["modules.json"] = R"([{"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])";
  files["1_Pooling/config.json"] =
      absl::Substitute(R"({"word_embedding_dimension": $0, "pooling_mode_mean_tokens": true,
    "pooling_mode_cls_token": false, "pooling_mode_max_tokens": false})",
                       hidden);
  files["sentence_bert_config.json"] = absl::Substitute(R"({"max_seq_length": $0})", sizes.max_tokens);
}

std::string TinyBert::Write(const std::string& parent) const {
  const std::string directory = absl::StrCat(parent, "/tiny-bert");
  std::filesystem::remove_all(directory);
  for (const auto& [path, content] : files) {
    if (!content.empty()) WriteFile(absl::StrCat(directory, "/", path), content);
  }
  // A file that a test set by hand wins over the tensors.
  if (!files.contains("model.safetensors")) {
    WriteFile(absl::StrCat(directory, "/model.safetensors"), SafetensorsBytes(tensors));
  }
  return directory;
}

std::string SafetensorsBytes(const std::string& header, const std::string& data) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(uint64_t{header.size()} >> (8 * i));
  return absl::StrCat(bytes, header, data);
}

std::string SafetensorsBytes(const std::map<std::string, TinyTensor>& tensors) {
  std::vector<std::string> entries = {R"("__metadata__": {"format": "pt"})"};
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const size_t begin = data.size();
    data += TensorBytes(tensor);
    entries.push_back(absl::StrCat("\"", name, R"(": {"dtype": ")", tensor.type, R"(", "shape": [)",
                                   absl::StrJoin(tensor.shape, ","), R"(], "data_offsets": [)", begin, ",",
                                   data.size(), "]}"));
  }
  return SafetensorsBytes(absl::StrCat("{", absl::StrJoin(entries, ", "), "}"), data);
}

void WriteFile(const std::string& path, const std::string& content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

std::string TestDirectory(const std::string& name) {
  static const ScratchDirectory of_the_process;
  const testing::TestInfo* const test = testing::UnitTest::GetInstance()->current_test_info();
  const std::string directory =
      of_the_process.File(absl::StrCat(test->test_suite_name(), "-", test->name(), "-", name));
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  return directory;
}

}  // namespace sluice
