#include "core/inference/bert_model_files.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

// Finds tensors by name and shape, and remembers the first that is missing or has another one.
class TensorFinder {
 public:
  TensorFinder(const SafetensorsFile& file, const BertConfig& config) : file_(file), config_(config) {
    // Checkpoints saved with a task head keep the encoder under its family's name.
    for (const char* prefix : {"bert.", "roberta."}) {
      if (file.Find(absl::StrCat(prefix, "embeddings.word_embeddings.weight")) != nullptr) prefix_ = prefix;
    }
  }

  const absl::Status& status() const { return status_; }

  BertTensors FindAll() {
    BertTensors tensors;
    const int64_t hidden = config_.hidden_size;
    tensors.words = Find("embeddings.word_embeddings.weight", {config_.vocabulary_size, hidden});
    tensors.positions = Find("embeddings.position_embeddings.weight", {config_.positions, hidden});
    tensors.token_types = Find("embeddings.token_type_embeddings.weight", {config_.token_types, hidden});
    tensors.embedding_norm = Norm("embeddings.LayerNorm");
    for (int64_t i = 0; i < config_.layers && status_.ok(); ++i) tensors.layers.push_back(Layer(i));
    return tensors;
  }

 private:
  BertLayerTensors Layer(int64_t index) {
    const std::string layer = absl::StrCat("encoder.layer.", index, ".");
    const int64_t hidden = config_.hidden_size;
    const int64_t inner = config_.intermediate_size;
    BertLayerTensors tensors;
    tensors.query = Linear(layer + "attention.self.query", hidden, hidden);
    tensors.key = Linear(layer + "attention.self.key", hidden, hidden);
    tensors.value = Linear(layer + "attention.self.value", hidden, hidden);
    tensors.attention_output = Linear(layer + "attention.output.dense", hidden, hidden);
    tensors.attention_norm = Norm(layer + "attention.output.LayerNorm");
    tensors.intermediate = Linear(layer + "intermediate.dense", inner, hidden);
    tensors.output = Linear(layer + "output.dense", hidden, inner);
    tensors.output_norm = Norm(layer + "output.LayerNorm");
    return tensors;
  }

  LinearTensors Linear(const std::string& name, int64_t out, int64_t in) {
    return {Find(name + ".weight", {out, in}), Find(name + ".bias", {out})};
  }

  LayerNormTensors Norm(const std::string& name) {
    return {Find(name + ".weight", {config_.hidden_size}), Find(name + ".bias", {config_.hidden_size})};
  }

  const TensorView* Find(const std::string& name, const std::vector<int64_t>& shape) {
    const std::string full_name = prefix_ + name;
    const TensorView* const tensor = file_.Find(full_name);
    if (!status_.ok()) return tensor;
    if (tensor == nullptr) return Fail(full_name, "is missing");
    if (tensor->shape != shape) {
      return Fail(full_name, absl::StrCat("has the shape [", absl::StrJoin(tensor->shape, ","),
                                          "]; config.json wants [", absl::StrJoin(shape, ","), "]"));
    }
    const TensorType type = tensor->type;
    if (type != TensorType::kF32 && type != TensorType::kF16 && type != TensorType::kBf16) {
      return Fail(full_name, absl::StrCat("is of type ", TensorTypeName(type), "; want F32, F16 or BF16"));
    }
    return tensor;
  }

  const TensorView* Fail(absl::string_view name, absl::string_view what) {
    status_ = absl::InvalidArgumentError(absl::StrCat(file_.path(), ": tensor '", name, "' ", what));
    return nullptr;
  }

  const SafetensorsFile& file_;
  const BertConfig& config_;
  std::string prefix_;
  absl::Status status_;
};

std::string DirectoryName(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::weakly_canonical(directory, error);
  return error ? directory : whole.filename().string();
}

// In the order of BertConfig. Sizes that the weights have too are not in it.
std::string OptionsOf(const BertConfig& config) {
  constexpr const char* kActivations[] = {"gelu", "gelu_tanh", "relu"};
  constexpr const char* kPoolings[] = {"mean", "cls", "max"};
  return absl::StrCat(config.heads, " heads, position offset ", config.position_offset, ", epsilon ",
                      config.layer_norm_epsilon, ", ", kActivations[static_cast<int>(config.activation)],
                      ", ", kPoolings[static_cast<int>(config.pooling)],
                      config.normalise ? ", normalised" : "");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const BertModelFiles>> LoadBertModelFiles(const std::string& directory) {
  SLUICE_ASSIGN_OR_RETURN(const BertConfig config, LoadBertConfig(directory));
  SLUICE_ASSIGN_OR_RETURN(auto file, SafetensorsFile::Open(absl::StrCat(directory, "/model.safetensors")));
  TensorFinder finder(*file, config);
  BertTensors tensors = finder.FindAll();
  SLUICE_RETURN_IF_ERROR(finder.status());
  std::string digest = Sha256Hex(file->bytes());
  return std::make_shared<const BertModelFiles>(DirectoryName(directory), std::move(digest), config,
                                                std::move(file), std::move(tensors));
}

EncoderDescription DescribeModel(const BertModelFiles& files) {
  const BertConfig& config = files.config();
  return {.model_name = files.name(),
          .model_digest = files.digest(),
          .dimensions = static_cast<int>(config.hidden_size),
          .max_tokens = static_cast<int>(config.max_tokens),
          .vocabulary_size = static_cast<int>(config.vocabulary_size),
          .options = OptionsOf(config)};
}

}  // namespace sluice
