// Headlines: what the ranked table says of a posting, remembered by its id from when it was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace sluice {

// Empty where only the id is known.
struct Headline {
  std::string title;
  std::string company;
  std::string location;
};

// A table shows few postings, but which is known only at the end; so all are kept, packed, up to `max_bytes`
// of text. Those that come later are not: their rows show the id alone. Not thread-safe.
class Headlines {
 public:
  static constexpr size_t kDefaultMaxBytes = 24 << 20;

  explicit Headlines(size_t max_bytes = kDefaultMaxBytes) : max_bytes_(max_bytes) {}

  // Of two postings of one id the first counts. Texts are cut at 65,535 bytes.
  void Add(absl::string_view id, const Headline& headline);

  // An empty one for an id that is not there.
  Headline Find(absl::string_view id) const;

 private:
  size_t max_bytes_;
  size_t bytes_ = 0;
  std::vector<std::string> blocks_;                  // each text behind its length, four a posting
  absl::flat_hash_map<uint64_t, uint64_t> by_hash_;  // of the id -> the number of its block, its place there
};

}  // namespace sluice
