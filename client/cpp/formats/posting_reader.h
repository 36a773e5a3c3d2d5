// ReadPostings: the postings of files in any of the accepted formats, one at a time.
//
// The format is told by content: '{' or '[' is JSON (lines when the first line is a whole value, a document
// otherwise), '<' is a page with schema.org JSON-LD in it, anything else is CSV (see csv_table.h). Memory
// does not grow with the files but for the ids seen; only an HTML page is held whole, at most 16 MiB.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "client/cpp/formats/bad_rows.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/posting_input.h"

namespace sluice {

struct PostingInputOptions {
  bool ignore_unknown_columns = false;
  // Goes on behind a posting that cannot be used, and behind a page or a JSON document. A file that cannot be
  // opened, is in another format or has a header with an unknown column still ends the reading.
  bool skip_bad = false;
};

// What a person should hear about their files besides errors.
struct PostingInputSummary {
  static constexpr size_t kMaxIgnoredNames = 1000;
  static constexpr size_t kMaxIgnoredNameBytes = 256;
  int64_t postings = 0;
  // Name -> postings that had it, of the first kMaxIgnoredNames names and their first bytes: each object of
  // JSON may have other ones.
  std::map<std::string, int64_t> ignored_columns;
  int64_t ignored_under_other_names = 0;  // values, not names
  BadRows bad;                            // with PostingInputOptions::skip_bad
  InputNotes notes;                       // "jobs.csv: is not UTF-8; read as Windows-1252"
};

// Takes a posting. An error ends the reading and is handed on.
using PostingSink = absl::FunctionRef<absl::Status(PostingInput)>;

// Ids are unique over all files. Blocks on the disk and in `sink`. NOT_FOUND names a missing file;
// INVALID_ARGUMENT names file, line and column: unknown column, broken line, duplicate id, over a limit,
// another format, no posting at all.
absl::StatusOr<PostingInputSummary> ReadPostings(const std::vector<std::string>& files,
                                                 const PostingInputOptions& options, PostingSink sink);

}  // namespace sluice
