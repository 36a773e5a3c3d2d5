// PackedBatch: the texts of a micro-batch laid end to end, without padding between them. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/inference/encoder.h"

namespace sluice {

// Texts of one length that stand next to each other: attention takes them as one batch.
struct EqualLengthGroup {
  int64_t first_row = 0;
  int64_t first_text = 0;  // in PackedBatch::order
  int64_t texts = 0;
  int64_t length = 0;  // tokens of each
};

struct PackedBatch {
  std::vector<int64_t> ids;        // [rows]; the padding at the end is id 0 at position 0
  std::vector<int64_t> positions;  // [rows], within the text, from 0
  std::vector<int64_t>
      order;  // the caller's index of each text, in packed order: shortest first, ties as given
  std::vector<EqualLengthGroup> groups;
  int64_t tokens = 0;  // rows that belong to a text; the rest, up to the rung of the row ladder, is padding
};

// `texts` must have passed CheckTexts.
PackedBatch PackTexts(absl::Span<const absl::Span<const int32_t>> texts);

// INVALID_ARGUMENT naming the text (and place) that is empty, longer than max_tokens or has an id outside the
// vocabulary, or when there are no texts or `vectors` does not hold one vector each.
absl::Status CheckTexts(const EncoderDescription& encoder, absl::Span<const absl::Span<const int32_t>> texts,
                        absl::Span<const float> vectors);

// INTERNAL naming the first text whose vector has a component that is not finite.
absl::Status CheckFinite(absl::Span<const float> vectors, int dimensions);

}  // namespace sluice
