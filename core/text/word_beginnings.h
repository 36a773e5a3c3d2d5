// WordBeginnings: a first look at whether a word can be one of a few, by its first three bytes.
#pragma once

#include <bitset>
#include <cstddef>
#include <initializer_list>

#include "absl/strings/string_view.h"

namespace sluice {

// For readers that look for few words among all of a text's. A value of 512 bytes.
class WordBeginnings {
 public:
  WordBeginnings(std::initializer_list<absl::string_view> words) {
    for (const absl::string_view word : words) Add(word);
  }
  void Add(absl::string_view word) { bits_.set(KeyOf(word)); }

  // False only for a word that begins like none of the words given. Of those shorter than three bytes the
  // whole word counts.
  bool MayBegin(absl::string_view word) const { return bits_.test(KeyOf(word)); }

 private:
  static size_t KeyOf(absl::string_view word) {
    size_t key = 0;
    for (size_t i = 0; i < 3; ++i)
      key = key * 31 + (i < word.size() ? static_cast<unsigned char>(word[i]) : 0);
    return key % kBits;
  }

  static constexpr size_t kBits = 4096;
  std::bitset<kBits> bits_;
};

}  // namespace sluice
