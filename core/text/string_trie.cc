#include "core/text/string_trie.h"

#include <algorithm>

namespace sluice {

// The sorted entries [first, last) share their first `depth` bytes, which lead to `node`.
struct StringTrie::Range {
  Node node;
  size_t first, last, depth;
};

StringTrie::StringTrie(std::vector<std::pair<std::string, int32_t>> entries) : units_(512) {
  std::sort(entries.begin(), entries.end());
  units_[kRoot].parent = kRoot;
  std::vector<Range> open = {{kRoot, 0, entries.size(), 0}};
  std::vector<unsigned char> bytes;
  std::vector<size_t> starts;
  while (!open.empty()) {
    const Range range = open.back();
    open.pop_back();
    size_t first = range.first;
    if (first < range.last && entries[first].first.size() == range.depth) {
      units_[range.node].value = entries[first++].second;
    }
    bytes.clear();
    starts.clear();
    for (size_t i = first; i < range.last; ++i) {
      const auto byte = static_cast<unsigned char>(entries[i].first[range.depth]);
      if (!bytes.empty() && bytes.back() == byte) continue;
      bytes.push_back(byte);
      starts.push_back(i);
    }
    if (bytes.empty()) continue;
    starts.push_back(range.last);
    const int32_t base = PlaceChildren(bytes);
    units_[range.node].base = base;
    for (size_t i = 0; i < bytes.size(); ++i) {
      units_[base + bytes[i]].parent = range.node;
      open.push_back({base + bytes[i], starts[i], starts[i + 1], range.depth + 1});
    }
  }
}

// A base at which all children fall on free units; base 0 stays the mark of a leaf. An only child takes the
// lowest free unit. Siblings look from a little before the last that were placed: looking through all gaps
// from the start for each of them would be quadratic, and only children fill those gaps anyway.
int32_t StringTrie::PlaceChildren(const std::vector<unsigned char>& bytes) {
  constexpr int32_t kLookBack = 256;
  while (units_[first_free_].parent != kNone) {
    ++first_free_;
    Reserve(first_free_);
  }
  int32_t base = first_free_ - bytes.front();
  if (bytes.size() > 1) base = std::max(base, last_siblings_ - kLookBack);
  for (;; ++base) {
    Reserve(base);
    const bool fits = std::all_of(bytes.begin(), bytes.end(),
                                  [&](unsigned char byte) { return units_[base + byte].parent == kNone; });
    if (fits) break;
  }
  if (bytes.size() > 1) last_siblings_ = base;
  return base;
}

void StringTrie::Reserve(int32_t base) {
  const size_t needed = static_cast<size_t>(base) + 256;
  if (units_.size() < needed) units_.resize(std::max(needed, units_.size() * 2));
}

std::optional<StringTrie::Node> StringTrie::Walk(absl::string_view prefix) const {
  Node node = kRoot;
  for (const char c : prefix) {
    const Node child = units_[node].base + static_cast<unsigned char>(c);
    if (units_[child].parent != node) return std::nullopt;
    node = child;
  }
  return node;
}

std::optional<int32_t> StringTrie::Find(absl::string_view key) const {
  const std::optional<Node> node = Walk(key);
  if (!node.has_value() || units_[*node].value < 0) return std::nullopt;
  return units_[*node].value;
}

}  // namespace sluice
