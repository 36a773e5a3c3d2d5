// Postings out of JSON, one at a time: flat objects in the columns of posting_columns.h, and schema.org
// JobPosting at any depth (@graph, lists, mainEntity). A posting is forgotten as soon as it was handed over.
// A JobPosting that cannot be used is left out with a note.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/input_place.h"
#include "client/cpp/formats/posting_columns.h"
#include "client/cpp/formats/schema_org_things.h"
#include "client/cpp/formats/script_json.h"

namespace sluice {

// One posting's fields and where it began. An error ends the reading and is handed on.
using FieldsSink = absl::FunctionRef<absl::Status(RawPosting, const InputPlace&)>;

// What to do with the name of a field that is not read: OK to go on without it.
using IgnoredSink = absl::FunctionRef<absl::Status(absl::string_view name, const InputPlace&)>;

// What to do with a posting, or what should be one, that cannot be used for this reason: OK to go on behind
// it.
using BadSink = absl::FunctionRef<absl::Status(const absl::Status& reason)>;

// One posting, or one JSON-LD object, a line. Blank lines are skipped. NaN and Infinity without quotes, as
// Python writes them, are null. Reasons for `bad` name file and line: broken JSON, a name that comes twice in
// an object, an id, title or description that is no text, no posting in the line. Other fields that are no
// text are left out with a note. An error is one of a sink, or of the disk.
absl::Status ReadJsonLines(ByteSource& source, FieldsSink sink, IgnoredSink ignored, BadSink bad,
                           InputNotes& notes);

// One JSON value: an object or a list of postings; alike. Behind broken JSON nothing more is read.
absl::Status ReadJsonDocument(ByteSource& source, FieldsSink sink, IgnoredSink ignored, BadSink bad,
                              InputNotes& notes);

// Remembers the things of a page's script that have an "@id".
void SeeThings(const ScriptJson& script, ThingsById& things);

// A script of the page `file`. Returns how many JobPostings were handed over; what could not be read is
// noted. `things` are those of the whole page. Only an error of `sink` is one.
absl::StatusOr<int64_t> ReadJsonLd(const ScriptJson& script, const std::string& file,
                                   const ThingsById& things, FieldsSink sink, InputNotes& notes);

// Whether the first line is a whole JSON value, which tells JSON lines from a document.
absl::StatusOr<bool> BeginsWithWholeJsonLine(ByteSource& source);

}  // namespace sluice
