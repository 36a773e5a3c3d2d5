#include "client/cpp/formats/evidence_source.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

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

std::optional<ByteRange> EvidenceSource(const v1::Evidence& evidence, int64_t description_begin,
                                        const OffsetMap& description_map) {
  if (evidence.field() != "text" && evidence.field() != "description") return std::nullopt;
  const int64_t before = evidence.field() == "text" ? description_begin : 0;
  const ByteRange read{evidence.begin_byte() - before, evidence.end_byte() - before};
  const bool inside = read.begin >= 0 && read.size() > 0 && read.end <= description_map.text_bytes();
  return inside ? std::optional(description_map.Map(read)) : std::nullopt;
}

}  // namespace sluice
