// JobRecords: some bytes for each job of a batch, by the job's number, packed up to a bound.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sluice {

// Takes a record's own bytes and one or two for its length. Not thread-safe.
class JobRecords {
 public:
  explicit JobRecords(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Of the next job: the first one's number is 0. Once a record does not fit, it and those after it are left
  // out.
  void Add(absl::string_view record);

  // Absent for a job that was left out, or never added. Lives until the next Add.
  std::optional<absl::string_view> Find(int64_t job) const;

  int64_t kept() const { return kept_; }
  int64_t left_out() const { return left_out_; }
  size_t max_bytes() const { return max_bytes_; }

 private:
  struct Mark {
    uint32_t block = 0;
    uint32_t position = 0;
  };

  size_t max_bytes_;
  size_t bytes_ = 0;
  int64_t kept_ = 0;
  int64_t left_out_ = 0;
  std::vector<std::string> blocks_;  // each record behind its length
  std::vector<Mark> marks_;          // of every kJobsBetweenMarks-th job
};

}  // namespace sluice
