// CsvTable: a header and its rows, as spreadsheets, databases and people write CSV files.
//
// The first line may name the delimiter ("sep=;", as Excel wants it). Else it is the one of ',' ';' tab '|'
// under which most of the header's names are known. A file that is not UTF-8 is Windows-1252. Rows of nothing
// but delimiters, which spreadsheets write below their data, are skipped, and so is the header when it comes
// once more, as in files that were put together. Empty cells behind the last column are left out. Any other
// row of another length than the header is an error, for its cells could belong anywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/csv_reader.h"
#include "client/cpp/formats/input_notes.h"

namespace sluice {

// Whether a column's name means something to the reader.
using KnownName = absl::FunctionRef<bool(absl::string_view)>;

// The delimiter of a file that begins with `prefix`, and how many of the header's names are then known.
struct CsvShape {
  char delimiter = ',';
  int known_names = 0;
  bool sep_line = false;  // the first line names the delimiter
};
CsvShape CsvShapeOf(absl::string_view prefix, KnownName known);

// Not thread-safe. Blocks on the disk.
class CsvTable {
 public:
  // `source` is at its beginning and outlives the table, `notes` too. INVALID_ARGUMENT for a file without a
  // header; its names are checked by the caller.
  static absl::StatusOr<std::unique_ptr<CsvTable>> Open(ByteSource& source, KnownName known,
                                                        InputNotes& notes);

  const std::vector<std::string>& header() const { return header_; }
  int64_t header_line() const { return header_line_; }
  char delimiter() const { return delimiter_; }
  // The whole rows of the first 64 KiB: what tells in which way the file is written.
  const std::vector<CsvRecord>& sample() const { return sample_; }

  // A row of as many fields as the header has, in UTF-8. Absent at the end. INVALID_ARGUMENT names the line;
  // the next call then goes on with the line behind it.
  absl::StatusOr<std::optional<CsvRecord>> Next();

 private:
  CsvTable(ByteSource& source, char delimiter, bool utf8, InputNotes& notes)
      : source_(source), reader_(source, delimiter), delimiter_(delimiter), utf8_(utf8), notes_(notes) {}

  void TakeSample(std::string prefix);
  void Decode(std::vector<std::string>& fields) const;
  absl::Status FitToHeader(CsvRecord& record) const;

  ByteSource& source_;
  CsvReader reader_;
  const char delimiter_;
  const bool utf8_;
  InputNotes& notes_;
  std::vector<std::string> header_;
  int64_t header_line_ = 0;
  std::vector<CsvRecord> sample_;
  bool broken_ = false;  // the last record was; the reader has to recover
};

}  // namespace sluice
