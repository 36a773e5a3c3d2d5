#include "client/cpp/command/job_records.h"

#include <algorithm>

#include "client/cpp/formats/varint.h"

namespace sluice {
namespace {

constexpr size_t kBlockBytes = 1 << 20;
constexpr int64_t kJobsBetweenMarks = 16;

absl::string_view TakeRecord(absl::string_view& block) {
  uint64_t bytes = 0;
  TakeVarint(block, bytes);
  const absl::string_view record = block.substr(0, bytes);
  block.remove_prefix(record.size());
  return record;
}

}  // namespace

void JobRecords::Add(absl::string_view record) {
  std::string length;
  AppendVarint(record.size(), length);
  const size_t bytes = length.size() + record.size();
  if (left_out_ > 0 || bytes_ + bytes > max_bytes_) {
    ++left_out_;
    return;
  }
  if (blocks_.empty() || blocks_.back().size() + bytes > kBlockBytes) {
    blocks_.emplace_back();
    blocks_.back().reserve(std::min(max_bytes_, std::max(kBlockBytes, bytes)));
  }
  std::string& block = blocks_.back();
  if (kept_ % kJobsBetweenMarks == 0) {
    marks_.push_back({static_cast<uint32_t>(blocks_.size() - 1), static_cast<uint32_t>(block.size())});
  }
  block.append(length).append(record.data(), record.size());
  bytes_ += bytes;
  ++kept_;
}

std::optional<absl::string_view> JobRecords::Find(int64_t job) const {
  if (job < 0 || job >= kept_) return std::nullopt;
  const Mark mark = marks_[job / kJobsBetweenMarks];
  size_t block = mark.block;
  absl::string_view rest = absl::string_view(blocks_[block]).substr(mark.position);
  absl::string_view record = TakeRecord(rest);
  for (int64_t more = job % kJobsBetweenMarks; more > 0; --more) {
    if (rest.empty()) rest = blocks_[++block];
    record = TakeRecord(rest);
  }
  return record;
}

}  // namespace sluice
