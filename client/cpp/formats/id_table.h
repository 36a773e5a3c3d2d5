// IdTable: numbers ids as they come and finds those that came before, in 20 to 25 bytes an id.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "core/base/sha256.h"

namespace sluice {

// An id is known by the first 96 bits of its SHA-256 alone. That two different ones of n share them, and the
// second is taken for the first, has a probability of about n² / 2^97: 6e-18 for a million.
//
// The table is made of parts that grow alone, a quarter at a time, so that growing never holds a copy of the
// whole. Not thread-safe. Holds up to 2^32 - 1 ids.
class IdTable {
 public:
  // Gives `id` the next number, from 0; or, where it was there before, tells the number it has.
  std::optional<int64_t> Add(absl::string_view id);

  int64_t size() const { return size_; }

 private:
  struct Entry {
    uint64_t digest_high = 0;
    uint32_t digest_low = 0;
    uint32_t number_from_one = 0;  // 0: free
  };
  struct Part {
    std::vector<Entry> entries;
    size_t used = 0;
  };

  static void Grow(Part& part);
  static Entry& EntryFor(Part& part, const Entry& wanted);

  Sha256 digest_;
  std::array<Part, 256> parts_;
  int64_t size_ = 0;
};

}  // namespace sluice
