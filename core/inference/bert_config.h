// BertConfig: what a Hugging Face directory says about its encoder, without the weights.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace sluice {

enum class Activation { kGelu, kGeluTanh, kRelu };
enum class Pooling { kMean, kCls, kMax };

struct BertConfig {
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t vocabulary_size = 0;
  int64_t positions = 0;        // rows of the position table
  int64_t position_offset = 0;  // row of a text's first token: 0 for bert, pad_token_id + 1 for roberta
  int64_t token_types = 0;      // rows of the token type table; texts are all of type 0
  double layer_norm_epsilon = 1e-12;
  Activation activation = Activation::kGelu;
  Pooling pooling = Pooling::kMean;
  bool normalise = false;  // to unit length
  int64_t max_tokens = 0;  // of a text, special tokens included
};

// Reads config.json (bert, roberta, xlm-roberta), and where they exist modules.json, the pooling module's
// config.json, sentence_bert_config.json and tokenizer_config.json.
//   - Pooling is what modules.json's Pooling module says; without modules.json it is the mean, as
//     sentence-transformers does it. Vectors are normalised when modules.json lists Normalize; that module's
//     folder may be missing.
//   - The token limit is sentence_bert_config.json's max_seq_length, else the smaller of
//   tokenizer_config.json's
//     model_max_length and the positions; never more than the positions.
// NOT_FOUND names a missing file, INVALID_ARGUMENT file and key of what is malformed, UNIMPLEMENTED file and
// key of what this encoder does not do.
absl::StatusOr<BertConfig> LoadBertConfig(const std::string& directory);

}  // namespace sluice
