// Where a verdict's evidence stands in the description as its file has it. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "client/cpp/formats/offset_map.h"
#include "sluice/v1/screening.pb.h"

namespace sluice {

// Where in the text that the server screens (screening.proto, Evidence.field "text") the description begins.
int64_t DescriptionBegin(const v1::Posting& posting);

// `description_begin` and `description_map` are the posting's. Absent for evidence that was not read, or not
// only read, from the description.
std::optional<ByteRange> EvidenceSource(const v1::Evidence& evidence, int64_t description_begin,
                                        const OffsetMap& description_map);

}  // namespace sluice
