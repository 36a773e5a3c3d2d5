#include "client/cpp/command/evidence_sources.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "client/cpp/formats/evidence_source.h"
#include "client/cpp/formats/varint.h"

namespace sluice {
namespace {

constexpr size_t kBlockBytes = 1 << 20;
constexpr int64_t kJobsBetweenMarks = 16;

absl::string_view TakePacked(absl::string_view& block) {
  uint64_t bytes = 0;
  TakeVarint(block, bytes);
  const absl::string_view packed = block.substr(0, bytes);
  block.remove_prefix(packed.size());
  return packed;
}

}  // namespace

void EvidenceSources::Add(const v1::Posting& posting, const OffsetMap& description_map) {
  std::string packed;
  AppendVarint(static_cast<uint64_t>(DescriptionBegin(posting)), packed);
  packed += description_map.Pack();
  std::string length;
  AppendVarint(packed.size(), length);
  const size_t bytes = length.size() + packed.size();
  if (left_out_ > 0 || bytes_ + bytes > max_bytes_) {
    ++left_out_;
    return;
  }
  if (blocks_.empty() || blocks_.back().size() + bytes > kBlockBytes) {
    blocks_.emplace_back();
    blocks_.back().reserve(std::max(kBlockBytes, bytes));
  }
  if (kept_ % kJobsBetweenMarks == 0) marks_.push_back((blocks_.size() - 1) << 32 | blocks_.back().size());
  blocks_.back().append(length).append(packed);
  bytes_ += bytes;
  ++kept_;
}

absl::string_view EvidenceSources::PackedAt(int64_t job_index) const {
  const uint64_t mark = marks_[job_index / kJobsBetweenMarks];
  size_t block = mark >> 32;
  absl::string_view rest = absl::string_view(blocks_[block]).substr(mark & UINT32_MAX);
  for (int64_t more = job_index % kJobsBetweenMarks; more > 0; --more) {
    if (rest.empty()) rest = blocks_[++block];
    TakePacked(rest);
  }
  if (rest.empty()) rest = blocks_[block + 1];
  return TakePacked(rest);
}

std::optional<EvidenceSources::Posting> EvidenceSources::Find(int64_t job_index) const {
  if (job_index < 0 || job_index >= kept_) return std::nullopt;
  absl::string_view packed = PackedAt(job_index);
  Posting posting;
  uint64_t description_begin = 0;
  TakeVarint(packed, description_begin);
  posting.description_begin_ = static_cast<int64_t>(description_begin);
  absl::StatusOr<OffsetMap> map = OffsetMap::Unpack(packed);
  if (!map.ok()) return std::nullopt;
  posting.description_map_ = *std::move(map);
  return posting;
}

std::optional<ByteRange> EvidenceSources::Posting::Of(const v1::Evidence& evidence) const {
  return EvidenceSource(evidence, description_begin_, description_map_);
}

}  // namespace sluice
