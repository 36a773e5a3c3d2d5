// EvidenceSources: for each posting of a batch, where in its file's own description the evidence of its
// verdict stands; remembered from when it was sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/cpp/formats/offset_map.h"
#include "sluice/v1/batches.pb.h"

namespace sluice {

// A few bytes for a description of plain text, about seven a line for HTML, up to `max_bytes` in all: once a
// posting does not fit, it and those after it are left out. Not thread-safe.
class EvidenceSources {
 public:
  static constexpr size_t kDefaultMaxBytes = 64 << 20;

  explicit EvidenceSources(size_t max_bytes = kDefaultMaxBytes) : max_bytes_(max_bytes) {}

  // Of the batch's next job.
  void Add(const v1::Posting& posting, const OffsetMap& description_map);

  int64_t kept() const { return kept_; }
  int64_t left_out() const { return left_out_; }

  // What is known of one job.
  class Posting {
   public:
    // Absent for evidence from elsewhere than the description.
    std::optional<ByteRange> Of(const v1::Evidence& evidence) const;

   private:
    friend class EvidenceSources;
    int64_t description_begin_ = 0;
    OffsetMap description_map_;
  };

  // Absent for a job that was left out, or never added.
  std::optional<Posting> Find(int64_t job_index) const;

 private:
  absl::string_view PackedAt(int64_t job_index) const;

  size_t max_bytes_;
  size_t bytes_ = 0;
  int64_t kept_ = 0;
  int64_t left_out_ = 0;
  std::vector<std::string> blocks_;  // each job's behind its length
  std::vector<uint64_t> marks_;  // of every kJobsBetweenMarks-th job: number of its block, its place there
};

}  // namespace sluice
