#include "core/text/added_tokens.h"

#include <utility>

#include "absl/container/flat_hash_set.h"

namespace sluice {
namespace {

std::vector<std::pair<std::string, int32_t>> IndexByContent(const std::vector<AddedToken>& tokens) {
  std::vector<std::pair<std::string, int32_t>> entries;
  absl::flat_hash_set<absl::string_view> seen;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (seen.insert(tokens[i].content).second)
      entries.emplace_back(tokens[i].content, static_cast<int32_t>(i));
  }
  return entries;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens)
    : tokens_(std::move(tokens)), trie_(IndexByContent(tokens_)), starts_(256) {
  for (const AddedToken& token : tokens_) starts_[static_cast<unsigned char>(token.content.front())] = true;
}

}  // namespace sluice
