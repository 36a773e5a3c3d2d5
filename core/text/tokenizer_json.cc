#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/json_node.h"
#include "core/text/tokenizer.h"
#include "core/text/word_piece_tokenizer.h"

namespace sluice {
namespace {

constexpr size_t kMaxFileBytes = 64 << 20;
constexpr size_t kMaxSpecialTokens = 2;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat(path, ": cannot be opened: ", std::strerror(errno)));
  std::string content;
  constexpr size_t kBlock = 1 << 16;
  for (char block[kBlock]; file.read(block, kBlock) || file.gcount() > 0;) {
    content.append(block, file.gcount());
    if (content.size() > kMaxFileBytes) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": is larger than ", kMaxFileBytes, " bytes"));
    }
  }
  if (file.bad()) return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  return content;
}

absl::StatusOr<std::unique_ptr<Normalizer>> BertNormalizerFrom(const JsonNode& node) {
  SLUICE_RETURN_IF_ERROR(
      node.OnlyKeys({"type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase"}));
  BertNormalizerOptions options;
  SLUICE_ASSIGN_OR_RETURN(options.clean_text, node.Bool("clean_text"));
  SLUICE_ASSIGN_OR_RETURN(options.handle_chinese_chars, node.Bool("handle_chinese_chars"));
  SLUICE_ASSIGN_OR_RETURN(options.lowercase, node.Bool("lowercase"));
  options.strip_accents = options.lowercase;
  if (node.Has("strip_accents")) {
    SLUICE_ASSIGN_OR_RETURN(options.strip_accents, node.Bool("strip_accents"));
  }
  return MakeBertNormalizer(options);
}

absl::StatusOr<std::unique_ptr<Normalizer>> NormalizerFrom(const JsonNode& node) {
  if (node.IsNull()) return MakeNormalizerSequence({});
  SLUICE_ASSIGN_OR_RETURN(const std::string type, node.String("type"));
  if (type == "BertNormalizer") return BertNormalizerFrom(node);
  if (type == "Sequence") {
    SLUICE_RETURN_IF_ERROR(node.OnlyKeys({"type", "normalizers"}));
    SLUICE_ASSIGN_OR_RETURN(const JsonNode list, node.Member("normalizers"));
    SLUICE_ASSIGN_OR_RETURN(const std::vector<JsonNode> elements, list.Elements());
    std::vector<std::unique_ptr<Normalizer>> steps;
    for (const JsonNode& element : elements) {
      SLUICE_ASSIGN_OR_RETURN(steps.emplace_back(), NormalizerFrom(element));
    }
    return MakeNormalizerSequence(std::move(steps));
  }
  SLUICE_RETURN_IF_ERROR(node.OnlyKeys({"type"}));
  if (type == "Lowercase") return MakeLowercaseNormalizer();
  if (type == "StripAccents") return MakeStripAccentsNormalizer();
  if (type == "NFD") return MakeUnicodeFormNormalizer(UnicodeForm::kNfd);
  if (type == "NFC") return MakeUnicodeFormNormalizer(UnicodeForm::kNfc);
  if (type == "NFKD") return MakeUnicodeFormNormalizer(UnicodeForm::kNfkd);
  if (type == "NFKC") return MakeUnicodeFormNormalizer(UnicodeForm::kNfkc);
  return node.Error(
      absl::StrCat("the normalizer '", type,
                   "' is not supported; BertNormalizer, Sequence, Lowercase, StripAccents, NFD, NFC, "
                   "NFKD and NFKC are"));
}

absl::StatusOr<PreTokenizer> PreTokenizerFrom(const JsonNode& node) {
  SLUICE_ASSIGN_OR_RETURN(const std::string type, node.String("type"));
  SLUICE_RETURN_IF_ERROR(node.OnlyKeys({"type"}));
  if (type == "BertPreTokenizer") return PreTokenizer::kBert;
  if (type == "Whitespace") return PreTokenizer::kWhitespace;
  if (type == "WhitespaceSplit") return PreTokenizer::kWhitespaceSplit;
  return node.Error(absl::StrCat("the pre-tokenizer '", type,
                                 "' is not supported; BertPreTokenizer, Whitespace and WhitespaceSplit are"));
}

using Vocabulary = absl::flat_hash_map<std::string, int32_t>;

absl::StatusOr<Vocabulary> VocabularyFrom(const JsonNode& node) {
  SLUICE_ASSIGN_OR_RETURN(const auto members, node.Members());
  if (members.empty()) return node.Error("is empty");
  Vocabulary vocabulary;
  absl::flat_hash_set<int32_t> ids;
  for (const auto& [piece, id_node] : members) {
    SLUICE_ASSIGN_OR_RETURN(const int32_t id, id_node.Count());
    if (!ids.insert(id).second) return id_node.Error(absl::StrCat("the id ", id, " is given to two pieces"));
    vocabulary.emplace(piece, id);
  }
  return vocabulary;
}

absl::StatusOr<WordPieceOptions> WordPieceFrom(const JsonNode& node, const Vocabulary& vocabulary) {
  SLUICE_RETURN_IF_ERROR(
      node.OnlyKeys({"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"}));
  WordPieceOptions options;
  SLUICE_ASSIGN_OR_RETURN(options.continuing_subword_prefix, node.String("continuing_subword_prefix"));
  SLUICE_ASSIGN_OR_RETURN(options.max_input_chars_per_word, node.Count("max_input_chars_per_word"));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode unknown, node.Member("unk_token"));
  SLUICE_ASSIGN_OR_RETURN(const std::string unknown_token, unknown.String());
  const auto found = vocabulary.find(unknown_token);
  if (found == vocabulary.end())
    return unknown.Error(absl::StrCat("'", unknown_token, "' is not in model.vocab"));
  options.unknown_id = found->second;
  options.vocabulary.assign(vocabulary.begin(), vocabulary.end());
  return options;
}

// Gives each added token the id that the reference gives it, and insists that the file says the same.
absl::Status AddTokens(const JsonNode& list, const Vocabulary& vocabulary, TokenizerParts* parts) {
  SLUICE_ASSIGN_OR_RETURN(const std::vector<JsonNode> elements, list.Elements());
  absl::flat_hash_set<std::string> seen;
  std::vector<AddedToken> normalized_words;
  auto next_id = static_cast<int32_t>(vocabulary.size());
  for (const JsonNode& element : elements) {
    SLUICE_RETURN_IF_ERROR(
        element.OnlyKeys({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
    AddedToken token;
    SLUICE_ASSIGN_OR_RETURN(token.content, element.String("content"));
    SLUICE_ASSIGN_OR_RETURN(token.id, element.Count("id"));
    SLUICE_ASSIGN_OR_RETURN(token.single_word, element.Bool("single_word"));
    SLUICE_ASSIGN_OR_RETURN(token.lstrip, element.Bool("lstrip"));
    SLUICE_ASSIGN_OR_RETURN(token.rstrip, element.Bool("rstrip"));
    SLUICE_ASSIGN_OR_RETURN(const bool normalized, element.Bool("normalized"));
    SLUICE_ASSIGN_OR_RETURN(const bool special, element.Bool("special"));
    if (!seen.insert(token.content).second) return element.Error("the content is given twice");
    const auto known = vocabulary.find(token.content);
    const int32_t expected_id = known != vocabulary.end() ? known->second : next_id++;
    if (token.id != expected_id) {
      return element.Error(
          absl::StrCat("the id is ", token.id, ", but by model.vocab it must be ", expected_id));
    }
    parts->vocabulary_size = std::max(parts->vocabulary_size, token.id + 1);
    if (normalized) {
      std::string content;
      parts->normalizer->Normalize(token.content, &content);
      token.content = std::move(content);
    }
    if (token.content.empty()) return element.Error("the content is empty, or is so after the normalizer");
    std::vector<AddedToken>& tokens = !normalized ? parts->raw_tokens
                                      : special   ? parts->normalized_tokens
                                                  : normalized_words;
    tokens.push_back(std::move(token));
  }
  std::move(normalized_words.begin(), normalized_words.end(), std::back_inserter(parts->normalized_tokens));
  return absl::OkStatus();
}

absl::StatusOr<int32_t> BertProcessingId(const JsonNode& node, absl::string_view key) {
  SLUICE_ASSIGN_OR_RETURN(const JsonNode pair, node.Member(key));
  SLUICE_ASSIGN_OR_RETURN(const std::vector<JsonNode> elements, pair.Elements());
  if (elements.size() != 2) return pair.Error("must be a token and its id");
  return elements[1].Count();
}

// One step of a template: the ids that it adds, or none for the text itself.
absl::StatusOr<std::vector<int32_t>> TemplateStepIds(const JsonNode& processor, const JsonNode& step) {
  SLUICE_RETURN_IF_ERROR(step.OnlyKeys({"SpecialToken", "Sequence"}));
  const bool is_text = step.Has("Sequence");
  SLUICE_ASSIGN_OR_RETURN(const JsonNode body, step.Member(is_text ? "Sequence" : "SpecialToken"));
  SLUICE_ASSIGN_OR_RETURN(const std::string name, body.String("id"));
  SLUICE_ASSIGN_OR_RETURN(const int32_t type_id, body.Count("type_id"));
  if (type_id != 0) return body.Error(absl::StrCat("type_id ", type_id, " is not supported; 0 is"));
  if (is_text) {
    if (name != "A") return body.Error("only the sequence 'A' is supported");
    return std::vector<int32_t>();
  }
  SLUICE_ASSIGN_OR_RETURN(const JsonNode special_tokens, processor.Member("special_tokens"));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode special_token, special_tokens.Member(name));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode list, special_token.Member("ids"));
  SLUICE_ASSIGN_OR_RETURN(const std::vector<JsonNode> elements, list.Elements());
  if (elements.empty()) return list.Error("is empty");
  std::vector<int32_t> ids;
  for (const JsonNode& element : elements) {
    SLUICE_ASSIGN_OR_RETURN(ids.emplace_back(), element.Count());
  }
  return ids;
}

absl::Status AddTemplate(const JsonNode& processor, TokenizerParts* parts) {
  SLUICE_RETURN_IF_ERROR(processor.OnlyKeys({"type", "single", "pair", "special_tokens"}));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode single, processor.Member("single"));
  SLUICE_ASSIGN_OR_RETURN(const std::vector<JsonNode> steps, single.Elements());
  int texts = 0;
  for (const JsonNode& step : steps) {
    SLUICE_ASSIGN_OR_RETURN(const std::vector<int32_t> ids, TemplateStepIds(processor, step));
    if (ids.empty()) ++texts;
    std::vector<int32_t>& side = texts == 0 ? parts->prefix : parts->suffix;
    side.insert(side.end(), ids.begin(), ids.end());
  }
  if (texts != 1) return single.Error(absl::StrCat("must hold the sequence 'A' once, not ", texts, " times"));
  return absl::OkStatus();
}

absl::Status AddSpecialTokens(const JsonNode& node, TokenizerParts* parts) {
  SLUICE_ASSIGN_OR_RETURN(const std::string type, node.String("type"));
  if (type == "TemplateProcessing") {
    SLUICE_RETURN_IF_ERROR(AddTemplate(node, parts));
  } else if (type == "BertProcessing") {
    SLUICE_RETURN_IF_ERROR(node.OnlyKeys({"type", "sep", "cls"}));
    SLUICE_ASSIGN_OR_RETURN(parts->prefix.emplace_back(), BertProcessingId(node, "cls"));
    SLUICE_ASSIGN_OR_RETURN(parts->suffix.emplace_back(), BertProcessingId(node, "sep"));
  } else {
    return node.Error(absl::StrCat("the post-processor '", type,
                                   "' is not supported; TemplateProcessing and BertProcessing are"));
  }
  const size_t added = parts->prefix.size() + parts->suffix.size();
  if (added == 0 || added > kMaxSpecialTokens) {
    return node.Error(
        absl::StrCat("adds ", added, " special tokens; 1 to ", kMaxSpecialTokens, " are supported"));
  }
  for (const std::vector<int32_t>* side : {&parts->prefix, &parts->suffix}) {
    for (const int32_t id : *side) {
      if (id >= parts->vocabulary_size)
        return node.Error(absl::StrCat("the id ", id, " is not in the vocabulary"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<TokenizerParts> PartsFrom(const JsonNode& root) {
  SLUICE_RETURN_IF_ERROR(root.OnlyKeys({"version", "truncation", "padding", "added_tokens", "normalizer",
                                        "pre_tokenizer", "post_processor", "decoder", "model"}));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode model, root.Member("model"));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode type, model.Member("type"));
  SLUICE_ASSIGN_OR_RETURN(const std::string type_name, type.String());
  if (type_name != "WordPiece")
    return type.Error(absl::StrCat("'", type_name, "' is not supported; WordPiece is"));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode vocab, model.Member("vocab"));
  SLUICE_ASSIGN_OR_RETURN(const Vocabulary vocabulary, VocabularyFrom(vocab));

  TokenizerParts parts;
  for (const auto& [piece, id] : vocabulary) parts.vocabulary_size = std::max(parts.vocabulary_size, id + 1);
  SLUICE_ASSIGN_OR_RETURN(parts.word_piece, WordPieceFrom(model, vocabulary));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode normalizer, root.Member("normalizer"));
  SLUICE_ASSIGN_OR_RETURN(parts.normalizer, NormalizerFrom(normalizer));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode pre_tokenizer, root.Member("pre_tokenizer"));
  SLUICE_ASSIGN_OR_RETURN(parts.pre_tokenizer, PreTokenizerFrom(pre_tokenizer));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode added_tokens, root.Member("added_tokens"));
  SLUICE_RETURN_IF_ERROR(AddTokens(added_tokens, vocabulary, &parts));
  SLUICE_ASSIGN_OR_RETURN(const JsonNode post_processor, root.Member("post_processor"));
  SLUICE_RETURN_IF_ERROR(AddSpecialTokens(post_processor, &parts));
  return parts;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Tokenizer>> LoadTokenizer(absl::string_view directory) {
  const std::string path = absl::StrCat(directory, "/tokenizer.json");
  SLUICE_ASSIGN_OR_RETURN(const std::string content, ReadFile(path));
  const nlohmann::json document = nlohmann::json::parse(content, nullptr, /*allow_exceptions=*/false);
  const JsonNode root(document, path);
  if (document.is_discarded()) return root.Error("is not valid JSON");
  SLUICE_ASSIGN_OR_RETURN(TokenizerParts parts, PartsFrom(root));
  return MakeWordPieceTokenizer(std::move(parts));
}

}  // namespace sluice
