// EvidenceSource: where the evidence of a posting's verdict stands in the description as its file has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/offset_map.h"
#include "sluice/v1/screening.pb.h"

namespace sluice {

// Where in the text that the server screens (screening.proto, Evidence.field "text") the description begins.
int64_t DescriptionBegin(const v1::Posting& posting);

// What must be known of one posting for it. A value.
class EvidenceSource {
 public:
  // `description_map` as PostingInput has it.
  EvidenceSource(const v1::Posting& posting, OffsetMap description_map);

  // Absent for evidence that was not read, or not only read, from the description.
  std::optional<ByteRange> Of(const v1::Evidence& evidence) const;

  // A few bytes for a description of plain text, about seven a line for HTML; and back. INVALID_ARGUMENT for
  // bytes that Pack did not make.
  std::string Pack() const;
  static absl::StatusOr<EvidenceSource> Unpack(absl::string_view packed);

 private:
  EvidenceSource(int64_t description_begin, OffsetMap description_map);

  int64_t description_begin_;
  OffsetMap description_map_;
};

}  // namespace sluice
