// BadRows: what of a person's files could not be used and was left out on their wish (--skip-bad), and why.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// Keeps the first kMaxShown reasons and counts all. A value. Not thread-safe.
class BadRows {
 public:
  static constexpr size_t kMaxShown = 10;

  // "jobs.csv:17: row has 3 fields, the header 5".
  void Add(absl::string_view reason);

  int64_t total() const { return total_; }

  // The reasons, and a last line that counts: "12 bad rows left out; the first 10 are named above". None
  // without a bad row.
  std::vector<std::string> Lines() const;

 private:
  std::vector<std::string> shown_;
  int64_t total_ = 0;
};

}  // namespace sluice
