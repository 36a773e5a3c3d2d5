#include "client/cpp/formats/csv_table.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/utf8.h"
#include "client/cpp/formats/written_number.h"
#include "core/base/status_macros.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

constexpr absl::string_view kDelimiters = ",;\t|";

absl::StatusOr<bool> FileIsUtf8(const std::string& path) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
  Utf8Checker checker;
  for (absl::string_view chunk = source->NextChunk(); !chunk.empty(); chunk = source->NextChunk()) {
    if (!checker.Accept(chunk)) return false;
  }
  SLUICE_RETURN_IF_ERROR(source->status());
  return checker.Finish();
}

// The delimiter of "sep=;", also in quotes and with delimiters behind it, as spreadsheets save it again.
std::optional<char> DelimiterOfSepLine(absl::string_view line) {
  absl::ConsumePrefix(&line, "\"");
  constexpr absl::string_view kSep = "sep=";
  if (!absl::StartsWithIgnoreCase(line, kSep) || line.size() == kSep.size()) return std::nullopt;
  line.remove_prefix(kSep.size());
  if (absl::ConsumePrefix(&line, "\\t")) return '\t';
  const char delimiter = line[0];
  const bool only_more_of_it = std::all_of(line.begin() + 1, line.end(), [&](char c) {
    return c == delimiter || c == '"' || absl::ascii_isspace(static_cast<unsigned char>(c)) ||
           absl::StrContains(kDelimiters, c);
  });
  const bool letter = absl::ascii_isalnum(static_cast<unsigned char>(delimiter)) || delimiter == '"';
  return only_more_of_it && !letter ? std::optional(delimiter) : std::nullopt;
}

absl::string_view WithoutLine(absl::string_view text) {
  const size_t end = text.find_first_of("\r\n");
  return end == absl::string_view::npos ? "" : absl::StripLeadingAsciiWhitespace(text.substr(end));
}

bool IsBlank(const std::string& field) {
  return absl::StripAsciiWhitespace(field).empty() || WithPlainSpaces(field).empty();
}

}  // namespace

CsvShape CsvShapeOf(absl::string_view prefix, KnownName known) {
  const absl::string_view lines = absl::StripLeadingAsciiWhitespace(prefix);
  const auto names_known = [&](absl::string_view text, char delimiter) {
    const std::vector<std::string> header = SplitHeader(text, delimiter);
    return static_cast<int>(
        std::count_if(header.begin(), header.end(), [&](const std::string& name) { return known(name); }));
  };
  const std::optional<char> named = DelimiterOfSepLine(lines.substr(0, lines.find_first_of("\r\n")));
  if (named.has_value()) {
    return {.delimiter = *named, .known_names = names_known(WithoutLine(lines), *named), .sep_line = true};
  }
  CsvShape best{.known_names = -1};
  for (const char delimiter : kDelimiters) {
    const int names = names_known(lines, delimiter);
    if (names > best.known_names) best = {.delimiter = delimiter, .known_names = names};
  }
  return best;
}

absl::StatusOr<std::unique_ptr<CsvTable>> CsvTable::Open(ByteSource& source, KnownName known,
                                                         InputNotes& notes) {
  SLUICE_ASSIGN_OR_RETURN(const bool utf8, FileIsUtf8(source.path()));
  if (!utf8) notes.Add({source.path()}, "", kReadAsWindows1252);
  std::string prefix(source.Prefix());
  const CsvShape shape = CsvShapeOf(prefix, [&](absl::string_view name) {
    return known(utf8 ? std::string(name) : Utf8FromWindows1252(name));
  });
  std::unique_ptr<CsvTable> table(new CsvTable(source, shape.delimiter, utf8, notes));
  const int records_before_header = shape.sep_line ? 1 : 0;
  for (int i = 0; i <= records_before_header; ++i) {
    SLUICE_ASSIGN_OR_RETURN(std::optional<CsvRecord> record, table->reader_.Next());
    if (!record.has_value())
      return InputError({source.path()}, i == 0 ? "file is empty" : "has no header behind its sep= line");
    table->header_ = std::move(record->fields);
    table->header_line_ = record->line;
  }
  table->Decode(table->header_);
  table->TakeSample(std::move(prefix));
  return table;
}

void CsvTable::TakeSample(std::string prefix) {
  // Where the file goes on, the last record of its beginning is cut.
  constexpr size_t kWholeFileBytes = 32 << 10;
  const bool cut = prefix.size() >= kWholeFileBytes;
  const std::unique_ptr<ByteSource> text = ByteSource::OfText(std::move(prefix), source_.path());
  CsvReader reader(*text, delimiter_);
  while (true) {
    absl::StatusOr<std::optional<CsvRecord>> record = reader.Next();
    if (!record.ok() || !record->has_value() || (cut && text->Peek() == ByteSource::kEnd)) return;
    if ((*record)->line <= header_line_ || (*record)->fields.size() != header_.size()) continue;
    Decode((*record)->fields);
    sample_.push_back(**std::move(record));
  }
}

void CsvTable::Decode(std::vector<std::string>& fields) const {
  if (utf8_) return;
  for (std::string& field : fields) field = Utf8FromWindows1252(field);
}

absl::Status CsvTable::FitToHeader(CsvRecord& record) const {
  while (record.fields.size() > header_.size() && IsBlank(record.fields.back())) record.fields.pop_back();
  if (record.fields.size() == header_.size()) return absl::OkStatus();
  return InputError({source_.path(), record.line},
                    absl::StrCat("row has ", record.fields.size(), " fields, the header ", header_.size()));
}

absl::StatusOr<std::optional<CsvRecord>> CsvTable::Next() {
  while (true) {
    if (std::exchange(broken_, false)) reader_.Recover();
    absl::StatusOr<std::optional<CsvRecord>> record = reader_.Next();
    broken_ = !record.ok();
    if (!record.ok() || !record->has_value()) return record;
    std::vector<std::string>& fields = (*record)->fields;
    if (fields.size() > 1 && std::all_of(fields.begin(), fields.end(), IsBlank)) continue;
    Decode(fields);
    SLUICE_RETURN_IF_ERROR(FitToHeader(**record));
    // In a file of one column it is more likely a value: a text to embed may be "text".
    if (fields.size() == 1 || fields != header_) return record;
    notes_.Add({source_.path(), (*record)->line}, "", "is the header once more; left out");
  }
}

}  // namespace sluice
