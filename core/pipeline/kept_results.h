// KeptResults: what phase one said of a batch's postings, kept from the plan task's first pass for its
// second.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "core/screening/screener.h"

namespace sluice {

using Explained = absl::StatusOr<PhaseOneResult>;  // or why phase one says nothing of the posting

// Of all of a batch's postings or of none, so that the second pass reads them all or none. What is kept
// counts among all plan tasks' until it is dropped or destroyed. One thread at a time, but for Take.
class KeptResults {
 public:
  // Keeps none.
  KeptResults() = default;
  // Of `postings`, while all plan tasks together keep at most `max_bytes` (0: keeps none); `all_bytes` counts
  // what they do.
  KeptResults(int64_t postings, int64_t max_bytes, std::shared_ptr<std::atomic<int64_t>> all_bytes);
  KeptResults(KeptResults&& other) noexcept { *this = std::move(other); }
  KeptResults& operator=(KeptResults&& other) noexcept;
  ~KeptResults() { Drop(); }

  // Whether the next page is to be kept.
  bool keeps() const { return keeps_; }

  // In the order of the postings, page by page, while keeps(). Drops all as soon as those so far tell that
  // all will not fit.
  void KeepPage(std::vector<Explained> page);
  void Drop();

  size_t size() const { return results_.size(); }
  // Once for each posting. From any thread, while nothing else is called.
  Explained Take(size_t posting) { return std::move(results_[posting]); }

 private:
  bool AllWillFit() const;

  int64_t postings_ = 0;
  int64_t max_bytes_ = 0;
  std::shared_ptr<std::atomic<int64_t>> all_bytes_;
  bool keeps_ = false;
  std::vector<Explained> results_;
  int64_t bytes_ = 0;  // counted in all_bytes_ as well
};

}  // namespace sluice
