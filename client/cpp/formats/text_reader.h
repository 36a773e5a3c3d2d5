// ReadTexts: what `sluice embed` reads. A file has exactly one meaning:
//
//   {…           JSON lines: an object with "text" (and "id") a line
//   ["… [{… [[… [] and '[' alone on its line, or a first line that is a whole JSON list
//                a JSON list of texts, or of objects with "text" (and "id")
//   a header with the column "text", or a first line "sep=…", or a name that ends with .csv, .tsv or .tab
//                CSV (see csv_table.h): a text a row
//   a header of two or more columns of postings, an HTML page
//                refused: there is no column "text"
//   a name that ends with .jsonl or .ndjson
//                JSON lines: also a text in quotes a line
//   else         one text a line
//
// A name that ends with .json must be JSON. What begins as JSON does and is broken is an error, never text.
#pragma once

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "client/cpp/formats/input_notes.h"
#include "client/cpp/formats/input_place.h"

namespace sluice {

inline constexpr size_t kMaxTextBytes = 256 << 10;

using TextSink = absl::FunctionRef<absl::Status(std::string text, const InputPlace&)>;

struct TextInputOptions {
  bool ignore_unknown_columns = false;  // fields other than id and text
};

struct TextInputSummary {
  int64_t texts = 0;
  InputNotes notes;  // "texts.csv: is not UTF-8; read as Windows-1252"
};

// An error of `sink` ends the reading and is handed on. NOT_FOUND names a missing file; INVALID_ARGUMENT
// names file and line: broken JSON or CSV, no "text", not UTF-8, over kMaxTextBytes, another format, no text
// at all.
absl::StatusOr<TextInputSummary> ReadTexts(const std::string& path, const TextInputOptions& options,
                                           TextSink sink);

}  // namespace sluice
