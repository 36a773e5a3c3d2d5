// Postings out of an HTML page: the schema.org JobPostings of its <script type="application/ld+json">.
#pragma once

#include "absl/status/status.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/json_reader.h"

namespace sluice {

inline constexpr size_t kMaxPageBytes = 16 << 20;

// Each different posting is handed over once. Scripts are read as script_json.h says. One that is broken, and
// a JobPosting that cannot be used, are left out with a note when another one of the page has a posting; when
// none has, the page is INVALID_ARGUMENT with each reason on a line of its own. The page is held whole, at
// most kMaxPageBytes.
absl::Status ReadPage(ByteSource& source, FieldsSink sink, InputNotes& notes);

}  // namespace sluice
