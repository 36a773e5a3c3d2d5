#include "client/cpp/command/headlines.h"

#include <algorithm>
#include <cstring>

#include "absl/hash/hash.h"

namespace sluice {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

void Append(absl::string_view text, std::string& packed) {
  const auto length = static_cast<uint16_t>(std::min<size_t>(text.size(), UINT16_MAX));
  packed.append(reinterpret_cast<const char*>(&length), sizeof(length));
  packed.append(text.data(), length);
}

absl::string_view Take(absl::string_view& packed) {
  uint16_t length;
  std::memcpy(&length, packed.data(), sizeof(length));
  const absl::string_view text = packed.substr(sizeof(length), length);
  packed.remove_prefix(sizeof(length) + length);
  return text;
}

uint64_t HashOf(absl::string_view id) {
  return absl::Hash<absl::string_view>()(id);
}

}  // namespace

void Headlines::Add(absl::string_view id, const Headline& headline) {
  std::string packed;
  for (const absl::string_view text :
       {id, absl::string_view(headline.title), absl::string_view(headline.company),
        absl::string_view(headline.location)})
    Append(text, packed);
  if (bytes_ + packed.size() > max_bytes_) return;
  if (blocks_.empty() || blocks_.back().size() + packed.size() > kBlockBytes) {
    blocks_.emplace_back();
    blocks_.back().reserve(kBlockBytes);
  }
  const uint64_t place = (blocks_.size() - 1) << 32 | blocks_.back().size();
  if (!by_hash_.emplace(HashOf(id), place).second) return;
  blocks_.back() += packed;
  bytes_ += packed.size();
}

Headline Headlines::Find(absl::string_view id) const {
  const auto found = by_hash_.find(HashOf(id));
  if (found == by_hash_.end()) return {};
  absl::string_view packed = blocks_[found->second >> 32];
  packed.remove_prefix(found->second & UINT32_MAX);
  if (Take(packed) != id) return {};
  const absl::string_view title = Take(packed), company = Take(packed), location = Take(packed);
  return {std::string(title), std::string(company), std::string(location)};
}

}  // namespace sluice
