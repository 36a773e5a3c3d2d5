#include "core/inference/bert_config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/status_macros.h"
#include "core/inference/json_file.h"

namespace sluice {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxSize = 1 << 24;  // of any one dimension: products of two fit easily into 64 bits

absl::Status Unimplemented(absl::string_view path, absl::string_view what) {
  return absl::UnimplementedError(absl::StrCat(path, ": ", what));
}

absl::StatusOr<int64_t> Size(const JsonFile& file, const char* key) {
  SLUICE_ASSIGN_OR_RETURN(const int64_t size, file.Integer(key));
  if (size < 1 || size > kMaxSize) return file.Wrong(key, absl::StrCat("is ", size, ", want 1..", kMaxSize));
  return size;
}

absl::StatusOr<Activation> ParseActivation(const JsonFile& file) {
  SLUICE_ASSIGN_OR_RETURN(const std::string name, file.String("hidden_act"));
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  if (name == "relu") return Activation::kRelu;
  return Unimplemented(file.path(),
                       absl::StrCat("hidden_act '", name, "'; gelu, gelu_new and relu are there"));
}

// The model's family decides where positions start.
absl::Status ParseArchitecture(const JsonFile& file, BertConfig& config) {
  SLUICE_ASSIGN_OR_RETURN(const std::string family, file.String("model_type"));
  if (family == "roberta" || family == "xlm-roberta") {
    SLUICE_ASSIGN_OR_RETURN(const int64_t pad, file.Integer("pad_token_id"));
    if (pad < 0 || pad + 1 >= config.positions) {
      return file.Wrong("pad_token_id", absl::StrCat("is ", pad, ", want 0 or more and below the positions"));
    }
    config.position_offset = pad + 1;
  } else if (family != "bert") {
    return Unimplemented(file.path(),
                         absl::StrCat("model_type '", family, "'; bert, roberta and xlm-roberta are there"));
  }
  if (file.Has("position_embedding_type")) {
    SLUICE_ASSIGN_OR_RETURN(const std::string type, file.String("position_embedding_type"));
    if (type != "absolute")
      return Unimplemented(file.path(), absl::StrCat("position_embedding_type '", type, "'"));
  }
  return absl::OkStatus();
}

absl::StatusOr<BertConfig> ParseModel(const JsonFile& file) {
  BertConfig config;
  SLUICE_ASSIGN_OR_RETURN(config.layers, Size(file, "num_hidden_layers"));
  SLUICE_ASSIGN_OR_RETURN(config.heads, Size(file, "num_attention_heads"));
  SLUICE_ASSIGN_OR_RETURN(config.hidden_size, Size(file, "hidden_size"));
  SLUICE_ASSIGN_OR_RETURN(config.intermediate_size, Size(file, "intermediate_size"));
  SLUICE_ASSIGN_OR_RETURN(config.vocabulary_size, Size(file, "vocab_size"));
  SLUICE_ASSIGN_OR_RETURN(config.positions, Size(file, "max_position_embeddings"));
  SLUICE_ASSIGN_OR_RETURN(config.token_types, Size(file, "type_vocab_size"));
  SLUICE_ASSIGN_OR_RETURN(config.layer_norm_epsilon, file.Number("layer_norm_eps"));
  if (!(config.layer_norm_epsilon > 0 && config.layer_norm_epsilon < 1)) {
    return file.Wrong("layer_norm_eps",
                      absl::StrCat("is ", config.layer_norm_epsilon, ", want a number in (0, 1)"));
  }
  if (config.hidden_size % config.heads != 0) {
    return file.Wrong("hidden_size", absl::StrCat("is ", config.hidden_size, ", not a multiple of the ",
                                                  config.heads, " of num_attention_heads"));
  }
  SLUICE_ASSIGN_OR_RETURN(config.activation, ParseActivation(file));
  SLUICE_RETURN_IF_ERROR(ParseArchitecture(file, config));
  return config;
}

absl::StatusOr<Pooling> PoolingNamed(const JsonFile& file, absl::string_view name) {
  if (name == "mean" || name == "pooling_mode_mean_tokens") return Pooling::kMean;
  if (name == "cls" || name == "pooling_mode_cls_token") return Pooling::kCls;
  if (name == "max" || name == "pooling_mode_max_tokens") return Pooling::kMax;
  return Unimplemented(file.path(), absl::StrCat("pooling '", name, "'; mean, cls and max are there"));
}

absl::StatusOr<Pooling> LoadPooling(const std::string& path, int64_t hidden_size) {
  SLUICE_ASSIGN_OR_RETURN(const JsonFile file, JsonFile::Load(path));
  if (file.Has("word_embedding_dimension")) {
    SLUICE_ASSIGN_OR_RETURN(const int64_t dimension, file.Integer("word_embedding_dimension"));
    if (dimension != hidden_size) {
      return file.Wrong("word_embedding_dimension",
                        absl::StrCat("is ", dimension, "; config.json's hidden_size is ", hidden_size));
    }
  }
  if (file.Has("pooling_mode")) {
    SLUICE_ASSIGN_OR_RETURN(const std::string name, file.String("pooling_mode"));
    return PoolingNamed(file, name);
  }
  std::vector<std::string> modes;
  for (const auto& [key, value] : file.root().items()) {
    if (absl::StartsWith(key, "pooling_mode_") && value == true) modes.push_back(key);
  }
  if (modes.size() != 1) {
    return Unimplemented(
        path, absl::StrCat(modes.size(), " of the pooling_mode_… keys are true; exactly one is there"));
  }
  return PoolingNamed(file, modes[0]);
}

struct Module {
  std::string kind;  // the last component of "sentence_transformers.models.Pooling"
  std::string path;
};

absl::StatusOr<Module> ParseModule(const JsonFile& file, const Json& entry) {
  const auto type = entry.is_object() ? entry.find("type") : entry.end();
  const auto path = entry.is_object() ? entry.find("path") : entry.end();
  if (!entry.is_object() || type == entry.end() || path == entry.end() || !type->is_string() ||
      !path->is_string()) {
    return file.Wrong("", "every module needs the strings type and path");
  }
  const std::vector<std::string> components = absl::StrSplit(type->get<std::string>(), '.');
  Module module{components.back(), path->get<std::string>()};
  if (absl::StartsWith(module.path, "/") || absl::StrContains(module.path, "..")) {
    return file.Wrong("", absl::StrCat("the module path '", module.path, "' leaves the model's directory"));
  }
  return module;
}

absl::Status LoadModules(const std::string& directory, BertConfig& config) {
  auto loaded = JsonFile::Load(absl::StrCat(directory, "/modules.json"));
  if (absl::IsNotFound(loaded.status())) return absl::OkStatus();
  SLUICE_ASSIGN_OR_RETURN(const JsonFile file, std::move(loaded));
  if (!file.root().is_array()) return file.Wrong("", "is not a list of modules");
  for (const Json& entry : file.root()) {
    SLUICE_ASSIGN_OR_RETURN(const Module module, ParseModule(file, entry));
    if (module.kind == "Pooling") {
      const std::string path = absl::StrCat(directory, "/", module.path, "/config.json");
      SLUICE_ASSIGN_OR_RETURN(config.pooling, LoadPooling(path, config.hidden_size));
    } else if (module.kind == "Normalize") {
      config.normalise = true;
    } else if (module.kind != "Transformer") {
      return Unimplemented(file.path(), absl::StrCat("the module '", module.kind, "'"));
    }
  }
  return absl::OkStatus();
}

// The value of `key` in an optional file, or nothing when file or key is missing or null.
absl::StatusOr<std::optional<double>> OptionalNumber(const std::string& path, const char* key) {
  auto loaded = JsonFile::Load(path);
  if (absl::IsNotFound(loaded.status())) return std::nullopt;
  SLUICE_ASSIGN_OR_RETURN(const JsonFile file, std::move(loaded));
  if (!file.Has(key)) return std::nullopt;
  SLUICE_ASSIGN_OR_RETURN(const double number, file.Number(key));
  if (!(number >= 3)) return file.Wrong(key, absl::StrCat("is ", number, ", want 3 or more"));
  return number;
}

absl::StatusOr<int64_t> LoadTokenLimit(const std::string& directory, const BertConfig& config) {
  const int64_t positions = config.positions - config.position_offset;
  SLUICE_ASSIGN_OR_RETURN(
      std::optional<double> limit,
      OptionalNumber(absl::StrCat(directory, "/sentence_bert_config.json"), "max_seq_length"));
  if (!limit.has_value()) {
    SLUICE_ASSIGN_OR_RETURN(
        limit, OptionalNumber(absl::StrCat(directory, "/tokenizer_config.json"), "model_max_length"));
  }
  return static_cast<int64_t>(
      std::min(limit.value_or(static_cast<double>(positions)), static_cast<double>(positions)));
}

}  // namespace

absl::StatusOr<BertConfig> LoadBertConfig(const std::string& directory) {
  SLUICE_ASSIGN_OR_RETURN(const JsonFile file, JsonFile::Load(absl::StrCat(directory, "/config.json")));
  SLUICE_ASSIGN_OR_RETURN(BertConfig config, ParseModel(file));
  SLUICE_RETURN_IF_ERROR(LoadModules(directory, config));
  SLUICE_ASSIGN_OR_RETURN(config.max_tokens, LoadTokenLimit(directory, config));
  return config;
}

}  // namespace sluice
