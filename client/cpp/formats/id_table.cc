#include "client/cpp/formats/id_table.h"

#include <cstring>
#include <string>
#include <utility>

namespace sluice {
namespace {

constexpr size_t kFirstEntries = 16;

bool IsFull(size_t used, size_t entries) {
  return used * 5 >= entries * 4;
}

}  // namespace

// The entry that holds what is wanted, or the free one where it belongs.
IdTable::Entry& IdTable::EntryFor(Part& part, const Entry& wanted) {
  const uint64_t scaled = (wanted.digest_high & UINT32_MAX) * part.entries.size() >> 32;
  for (size_t i = scaled;; i = i + 1 == part.entries.size() ? 0 : i + 1) {
    Entry& entry = part.entries[i];
    const bool same = entry.digest_high == wanted.digest_high && entry.digest_low == wanted.digest_low;
    if (entry.number_from_one == 0 || same) return entry;
  }
}

void IdTable::Grow(Part& part) {
  std::vector<Entry> old(part.entries.empty() ? kFirstEntries
                                              : part.entries.size() + part.entries.size() / 4);
  std::swap(old, part.entries);
  for (const Entry& entry : old) {
    if (entry.number_from_one != 0) EntryFor(part, entry) = entry;
  }
}

std::optional<int64_t> IdTable::Add(absl::string_view id) {
  digest_.Update(id);
  const std::string digest = digest_.Finish();
  Entry wanted;
  std::memcpy(&wanted.digest_high, digest.data(), sizeof(wanted.digest_high));
  std::memcpy(&wanted.digest_low, digest.data() + sizeof(wanted.digest_high), sizeof(wanted.digest_low));
  Part& part = parts_[wanted.digest_high >> 56];
  if (IsFull(part.used, part.entries.size())) Grow(part);
  Entry& entry = EntryFor(part, wanted);
  if (entry.number_from_one != 0) return entry.number_from_one - 1;
  wanted.number_from_one = static_cast<uint32_t>(++size_);
  entry = wanted;
  ++part.used;
  return std::nullopt;
}

}  // namespace sluice
