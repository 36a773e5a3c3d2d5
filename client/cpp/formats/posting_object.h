// From a posting's fields as text to a job. Pure.
#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "client/cpp/formats/flat_style.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"
#include "client/cpp/formats/posting_input.h"

namespace sluice {

inline constexpr int64_t kMaxPostingBytes = 256 << 10;
inline constexpr size_t kMaxJobIdBytes = 256;

// The posting without its id check. An absent id becomes the job_url, else stays empty. A date, a boolean or
// pay that is not understood is left out with a note; `style` is the file's way to write them, and what the
// posting itself proves counts before it. INVALID_ARGUMENT names place and column: neither title nor
// description, more than kMaxPostingBytes.
absl::StatusOr<PostingInput> PostingFromFields(RawPosting fields, const InputPlace& place,
                                               const FlatStyle& style, InputNotes& notes);

}  // namespace sluice
