// Postings out of JSON, one at a time: flat objects in the columns of posting_columns.h, and schema.org
// JobPosting at any depth (@graph, lists, mainEntity). A posting is forgotten as soon as it was handed over.
// A JobPosting that cannot be used is left out with a note.
#pragma once

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"

namespace sluice {

// One posting's fields and where it began. An error ends the reading and is handed on.
using FieldsSink = absl::FunctionRef<absl::Status(RawPosting, const InputPlace&)>;

// What to do with the name of a field that is not read: OK to go on without it.
using IgnoredSink = absl::FunctionRef<absl::Status(absl::string_view name, const InputPlace&)>;

// Longest JSON value that is kept at once: a JSON line, one JobPosting, or what stands around them.
inline constexpr size_t kMaxJsonValueBytes = 16 << 20;

// One posting, or one JSON-LD object, a line. Blank lines are skipped. INVALID_ARGUMENT names file and line.
absl::Status ReadJsonLines(ByteSource& source, FieldsSink sink, IgnoredSink ignored, InputNotes& notes);

// One JSON value: an object or a list of postings. INVALID_ARGUMENT names file and line.
absl::Status ReadJsonDocument(ByteSource& source, FieldsSink sink, IgnoredSink ignored, InputNotes& notes);

// A page's script that begins at `place`, read with patience (script_json.h). Returns how many JobPostings
// were handed over; what could not be read is noted. Only an error of `sink` is one.
absl::StatusOr<int64_t> ReadJsonLd(absl::string_view script, const InputPlace& place, FieldsSink sink,
                                   InputNotes& notes);

// Whether the first line is a whole JSON value, which tells JSON lines from a document.
absl::StatusOr<bool> BeginsWithWholeJsonLine(ByteSource& source);

}  // namespace sluice
