#include "client/cpp/command/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice {
namespace {

constexpr int kSubBits = 6;
constexpr int64_t kSubBuckets = int64_t{1} << kSubBits;

// Values below 64 have a bucket each; above, the bucket is the power of two and the next six bits.
size_t BucketOf(int64_t microseconds) {
  const int shift =
      std::max(0, static_cast<int>(std::bit_width(static_cast<uint64_t>(microseconds))) - kSubBits - 1);
  return static_cast<size_t>(shift * kSubBuckets + (microseconds >> shift));
}

int64_t LastOf(size_t bucket) {
  const auto index = static_cast<int64_t>(bucket);
  const int64_t shift = std::max<int64_t>(0, index / kSubBuckets - 1);
  return ((index - shift * kSubBuckets + 1) << shift) - 1;
}

}  // namespace

void LatencyHistogram::Record(absl::Duration latency) {
  const absl::Duration kept = std::clamp(latency, absl::ZeroDuration(), absl::Hours(kMaxHours));
  const int64_t microseconds = absl::ToInt64Microseconds(kept);
  const size_t bucket = BucketOf(microseconds);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  sum_microseconds_ += microseconds;
  max_ = std::max(max_, kept);
}

void LatencyHistogram::Add(const LatencyHistogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  sum_microseconds_ += other.sum_microseconds_;
  max_ = std::max(max_, other.max_);
}

absl::Duration LatencyHistogram::Mean() const {
  return count_ == 0 ? absl::ZeroDuration() : absl::Microseconds(sum_microseconds_ / count_);
}

absl::Duration LatencyHistogram::Quantile(double quantile) const {
  const auto wanted = static_cast<int64_t>(std::ceil(quantile * static_cast<double>(count_)));
  int64_t seen = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen > 0 && seen >= wanted) return std::min(max_, absl::Microseconds(LastOf(i)));
  }
  return max_;
}

}  // namespace sluice
