#include "client/cpp/formats/evidence_source.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/varint.h"
#include "core/base/status_macros.h"

namespace sluice {

// The server's rule (core/screening/posting.h), which is part of the protocol: a test holds both together.
int64_t DescriptionBegin(const v1::Posting& posting) {
  const std::string& first = !posting.title().empty()     ? posting.title()
                             : !posting.company().empty() ? posting.company()
                                                          : posting.location();
  if (absl::StartsWithIgnoreCase(absl::StripLeadingAsciiWhitespace(posting.description()), first)) return 0;
  constexpr int64_t kLineEndBytes = 1, kBarBytes = 3;
  int64_t bytes = static_cast<int64_t>(posting.title().size());
  const auto append = [&](int64_t separator_bytes, const std::string& part) {
    if (part.empty()) return;
    bytes += (bytes == 0 ? 0 : separator_bytes) + static_cast<int64_t>(part.size());
  };
  append(kLineEndBytes, posting.company());
  append(posting.company().empty() ? kLineEndBytes : kBarBytes, posting.location());
  return bytes == 0 ? 0 : bytes + kLineEndBytes;
}

EvidenceSource::EvidenceSource(const v1::Posting& posting, OffsetMap description_map)
    : EvidenceSource(DescriptionBegin(posting), std::move(description_map)) {}

EvidenceSource::EvidenceSource(int64_t description_begin, OffsetMap description_map)
    : description_begin_(description_begin), description_map_(std::move(description_map)) {}

std::optional<ByteRange> EvidenceSource::Of(const v1::Evidence& evidence) const {
  if (evidence.field() != "text" && evidence.field() != "description") return std::nullopt;
  const int64_t before = evidence.field() == "text" ? description_begin_ : 0;
  const ByteRange read{evidence.begin_byte() - before, evidence.end_byte() - before};
  const bool inside = read.begin >= 0 && read.size() > 0 && read.end <= description_map_.text_bytes();
  if (!inside) return std::nullopt;
  const ByteRange source = description_map_.Map(read);
  return source.size() > 0 ? std::optional(source) : std::nullopt;
}

std::string EvidenceSource::Pack() const {
  std::string packed;
  AppendVarint(static_cast<uint64_t>(description_begin_), packed);
  return packed + description_map_.Pack();
}

absl::StatusOr<EvidenceSource> EvidenceSource::Unpack(absl::string_view packed) {
  uint64_t description_begin = 0;
  if (!TakeVarint(packed, description_begin) || description_begin > INT32_MAX)
    return absl::InvalidArgumentError("not a packed source of evidence");
  SLUICE_ASSIGN_OR_RETURN(OffsetMap map, OffsetMap::Unpack(packed));
  return EvidenceSource(static_cast<int64_t>(description_begin), std::move(map));
}

}  // namespace sluice
