// StringTrie: the longest of many strings that a text starts with, a few nanoseconds a byte, without
// allocation.
//
// A double array (J. Aoe, "An efficient digital search algorithm by using a double-array structure", 1989).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// Immutable and thread-safe.
class StringTrie {
 public:
  using Node = int32_t;
  static constexpr Node kRoot = 0;

  struct Match {
    size_t length = 0;  // 0: none
    int32_t value = -1;
  };

  // Keys are distinct, values not negative.
  explicit StringTrie(std::vector<std::pair<std::string, int32_t>> entries);

  // The longest key that is `from`'s path plus at least one byte of `text`'s beginning; length counts the
  // latter.
  Match LongestMatch(absl::string_view text, Node from = kRoot) const {
    Match best;
    Node node = from;
    for (size_t i = 0; i < text.size(); ++i) {
      const Node child = units_[node].base + static_cast<unsigned char>(text[i]);
      if (units_[child].parent != node) break;
      node = child;
      if (units_[node].value >= 0) best = {i + 1, units_[node].value};
    }
    return best;
  }

  // The node behind `prefix`; nothing when no key starts with it.
  std::optional<Node> Walk(absl::string_view prefix) const;

  // The value of exactly `key`.
  std::optional<int32_t> Find(absl::string_view key) const;

 private:
  static constexpr Node kNone = -1;

  struct Unit {
    Node parent = kNone;
    int32_t base = 0;
    int32_t value = -1;
  };
  struct Range;

  int32_t PlaceChildren(const std::vector<unsigned char>& bytes);
  void Reserve(int32_t base);

  std::vector<Unit> units_;  // reaches 256 beyond the last base
  Node first_free_ = 256;  // no unit from 256 to here is free, so an only child fits there whatever its byte
  int32_t last_siblings_ = 1;  // where siblings were placed last; both are of use while building only
};

}  // namespace sluice
