#include "core/pipeline/kept_results.h"

#include <utility>

#include "core/pipeline/page_screening.h"

namespace sluice {

KeptResults::KeptResults(int64_t postings, int64_t max_bytes, std::shared_ptr<std::atomic<int64_t>> all_bytes)
    : postings_(postings), max_bytes_(max_bytes), all_bytes_(std::move(all_bytes)), keeps_(max_bytes > 0) {}

KeptResults& KeptResults::operator=(KeptResults&& other) noexcept {
  if (this == &other) return *this;
  Drop();
  postings_ = other.postings_;
  max_bytes_ = other.max_bytes_;
  all_bytes_ = other.all_bytes_;
  keeps_ = std::exchange(other.keeps_, false);
  results_ = std::exchange(other.results_, {});
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void KeptResults::KeepPage(std::vector<Explained> page) {
  int64_t bytes = 0;
  for (Explained& explained : page) {
    bytes += static_cast<int64_t>(sizeof(Explained)) + (explained.ok() ? MemoryOf(*explained) : 0);
    results_.push_back(std::move(explained));
  }
  bytes_ += bytes;
  all_bytes_->fetch_add(bytes);
  if (!AllWillFit()) Drop();
}

// Asked of the share that is known, so that a batch too large for the bound is dropped after its first page
// and not when the bound is reached.
bool KeptResults::AllWillFit() const {
  const int64_t others = all_bytes_->load() - bytes_;
  const double share = static_cast<double>(results_.size()) / static_cast<double>(postings_);
  return static_cast<double>(bytes_) <= share * static_cast<double>(max_bytes_ - others);
}

void KeptResults::Drop() {
  keeps_ = false;
  if (all_bytes_ != nullptr) all_bytes_->fetch_sub(std::exchange(bytes_, 0));
  std::vector<Explained>().swap(results_);
}

}  // namespace sluice
