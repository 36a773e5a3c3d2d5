#include "core/text/added_tokens.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "core/base/utf8_boundary.h"
#include "core/text/unicode.h"

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

bool AddedTokens::StandsAlone(absl::string_view text, size_t start, size_t end) {
  return (start == 0 || !unicode::IsWordCharacter(unicode::Before(text, start))) &&
         (end == text.size() || !unicode::IsWordCharacter(unicode::At(text, end)));
}

size_t AddedTokens::StartOfSpace(absl::string_view text, size_t first, size_t end) {
  while (end > first) {
    size_t start = end - 1;
    while (start > first && ContinuesCharacter(text[start])) --start;
    if (!unicode::IsWhitespace(unicode::At(text, start))) break;
    end = start;
  }
  return end;
}

size_t AddedTokens::EndOfSpace(absl::string_view text, size_t start) {
  while (start < text.size()) {
    size_t next = start;
    if (!unicode::IsWhitespace(unicode::Next(text, &next))) break;
    start = next;
  }
  return start;
}

}  // namespace sluice
