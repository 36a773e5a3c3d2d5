// CsvReader: RFC 4180 records from a ByteSource, one at a time.
//
// Strict where guessing would move text between columns: a quote inside an unquoted field, text after a
// closing quote and a quote that never closes are errors with their line. Lenient where RFC 4180 is only a
// custom: LF and CRLF line ends, quoted newlines, other delimiters than ','. Blank lines are skipped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/byte_source.h"

namespace sluice {

struct CsvRecord {
  int64_t line = 0;  // its first
  std::vector<std::string> fields;
};

class CsvReader {
 public:
  // A record longer than this is taken for a quote that was never closed.
  static constexpr size_t kMaxRecordBytes = 4 << 20;

  // `source` must outlive the reader.
  CsvReader(ByteSource& source, char delimiter) : source_(source), delimiter_(delimiter) {}

  // Absent at the end of the file. After an error only Recover may be called.
  absl::StatusOr<std::optional<CsvRecord>> Next();

  // After an error: goes on with the line behind the one on which the broken record began, for a quote that
  // was never closed has swallowed the good lines behind it. Not after an error of the source.
  void Recover();

 private:
  int Take();
  absl::Status ReadField(std::string& field);
  absl::Status ReadQuoted(std::string& field);
  absl::Status CountBytes();

  ByteSource& source_;
  const char delimiter_;
  int64_t record_line_ = 0;
  int64_t record_begin_ = 0;  // in bytes read
  bool behind_first_line_ = false;
  std::string further_lines_;  // of the record, as far as it was read
};

// The fields of the first record in `prefix` split at `delimiter`; for choosing a delimiter, so it never
// fails.
std::vector<std::string> SplitHeader(absl::string_view prefix, char delimiter);

}  // namespace sluice
