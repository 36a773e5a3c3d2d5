// From a posting's fields as text to a job. Pure.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"
#include "client/cpp/formats/posting_input.h"

namespace sluice {

inline constexpr int64_t kMaxPostingBytes = 256 << 10;
inline constexpr size_t kMaxJobIdBytes = 256;

// The posting without its id check. An absent id becomes the job_url, else stays empty. INVALID_ARGUMENT
// names place and column: neither title nor description, a bad date, amount, currency, interval or boolean,
// more than kMaxPostingBytes.
absl::StatusOr<PostingInput> PostingFromFields(RawPosting fields, const InputPlace& place);

}  // namespace sluice
