#include "client/cpp/formats/csv_reader.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"

namespace sluice {

absl::Status CsvReader::CountBytes() {
  if (source_.bytes_read() - record_begin_ <= static_cast<int64_t>(kMaxRecordBytes)) return absl::OkStatus();
  return InputError({source_.path(), record_line_},
                    absl::StrCat("record is longer than ", kMaxRecordBytes, " bytes; is a quote left open?"));
}

int CsvReader::Take() {
  const int byte = source_.Next();
  if (byte == ByteSource::kEnd) return byte;
  if (behind_first_line_) further_lines_.push_back(static_cast<char>(byte));
  behind_first_line_ |= byte == '\n';
  return byte;
}

void CsvReader::Recover() {
  if (behind_first_line_) {
    source_.PutBack(further_lines_);
  } else {
    while (source_.Peek() != ByteSource::kEnd && source_.Next() != '\n') {
    }
  }
}

absl::Status CsvReader::ReadQuoted(std::string& field) {
  const InputPlace opened = source_.Place();
  Take();
  while (true) {
    const int byte = Take();
    if (byte == ByteSource::kEnd) {
      SLUICE_RETURN_IF_ERROR(source_.status());
      return InputError(opened, "a quoted field opened here is never closed");
    }
    SLUICE_RETURN_IF_ERROR(CountBytes());
    if (byte != '"') {
      field.push_back(static_cast<char>(byte));
    } else if (source_.Peek() == '"') {
      Take();
      field.push_back('"');
    } else {
      break;
    }
  }
  const InputPlace place = source_.Place();
  // Hand editing leaves blanks there, which say nothing.
  while (source_.Peek() == ' ' || (source_.Peek() == '\t' && delimiter_ != '\t')) Take();
  if (source_.Peek() == delimiter_) return absl::OkStatus();
  if (source_.Peek() == '\r') Take();
  if (source_.Peek() == ByteSource::kEnd || source_.Peek() == '\n') return source_.status();
  return InputError(place, "text after a closing quote; write a quote inside a quoted field as \"\"");
}

absl::Status CsvReader::ReadField(std::string& field) {
  if (source_.Peek() == '"') return ReadQuoted(field);
  while (true) {
    const int byte = source_.Peek();
    if (byte == ByteSource::kEnd || byte == delimiter_ || byte == '\n') return source_.status();
    if (byte == '"')
      return InputError(source_.Place(), "a quote inside an unquoted field; quote the whole field");
    Take();
    SLUICE_RETURN_IF_ERROR(CountBytes());
    if (byte == '\r' && (source_.Peek() == '\n' || source_.Peek() == ByteSource::kEnd))
      return absl::OkStatus();
    field.push_back(static_cast<char>(byte));
  }
}

absl::StatusOr<std::optional<CsvRecord>> CsvReader::Next() {
  while (source_.Peek() == '\n' || source_.Peek() == '\r') source_.Next();
  SLUICE_RETURN_IF_ERROR(source_.status());
  if (source_.Peek() == ByteSource::kEnd) return std::nullopt;

  CsvRecord record;
  record.line = record_line_ = source_.line();
  record_begin_ = source_.bytes_read();
  behind_first_line_ = false;
  further_lines_.clear();
  while (true) {
    SLUICE_RETURN_IF_ERROR(ReadField(record.fields.emplace_back()));
    if (source_.Peek() != delimiter_) break;
    Take();
  }
  if (source_.Peek() == '\n') Take();
  return record;
}

std::vector<std::string> SplitHeader(absl::string_view prefix, char delimiter) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : prefix) {
    if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == '\n' || c == '\r')) {
      break;
    } else if (!quoted && c == delimiter) {
      fields.emplace_back();
    } else {
      fields.back().push_back(c);
    }
  }
  return fields;
}

}  // namespace sluice
