#include "client/cpp/formats/posting_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/csv_reader.h"
#include "client/cpp/formats/field_values.h"
#include "client/cpp/formats/job_ids.h"
#include "client/cpp/formats/json_reader.h"
#include "client/cpp/formats/page_reader.h"
#include "client/cpp/formats/posting_columns.h"
#include "client/cpp/formats/posting_object.h"
#include "client/cpp/formats/utf8.h"
#include "core/base/status_macros.h"

namespace sluice {
namespace {

enum class Format { kJsonLines, kJsonDocument, kPage, kCsv };

int KnownColumns(const std::vector<std::string>& header) {
  return static_cast<int>(std::count_if(header.begin(), header.end(), [](const std::string& name) {
    return MeaningOfColumn(name).column.has_value();
  }));
}

char SniffDelimiter(absl::string_view prefix) {
  char best = ',';
  int most = KnownColumns(SplitHeader(prefix, best));
  for (const char delimiter : {';', '\t'}) {
    const int known = KnownColumns(SplitHeader(prefix, delimiter));
    if (known > most) {
      most = known;
      best = delimiter;
    }
  }
  return best;
}

absl::StatusOr<Format> SniffFormat(const std::string& path) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
  const absl::string_view prefix = absl::StripLeadingAsciiWhitespace(source->Prefix());
  const std::string lower_path = absl::AsciiStrToLower(path);
  const bool named_lines = absl::EndsWith(lower_path, ".jsonl") || absl::EndsWith(lower_path, ".ndjson");
  if (absl::StartsWith(prefix, "[")) return Format::kJsonDocument;
  if (absl::StartsWith(prefix, "<")) return Format::kPage;
  if (!absl::StartsWith(prefix, "{")) {
    const bool csv = KnownColumns(SplitHeader(prefix, SniffDelimiter(prefix))) > 0;
    return named_lines && !csv ? Format::kJsonLines : Format::kCsv;
  }
  if (named_lines) return Format::kJsonLines;
  SLUICE_ASSIGN_OR_RETURN(const bool lines, BeginsWithWholeJsonLine(*source));
  return lines ? Format::kJsonLines : Format::kJsonDocument;
}

absl::StatusOr<bool> FileIsUtf8(const std::string& path) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
  Utf8Checker checker;
  for (int byte = source->Next(); byte != ByteSource::kEnd; byte = source->Next()) {
    const char c = static_cast<char>(byte);
    if (!checker.Accept({&c, 1})) return false;
  }
  SLUICE_RETURN_IF_ERROR(source->status());
  return checker.Finish();
}

class PostingFiles {
 public:
  PostingFiles(const PostingInputOptions& options, PostingSink sink) : options_(options), sink_(sink) {}

  absl::Status Read(const std::string& path) {
    SLUICE_ASSIGN_OR_RETURN(const Format format, SniffFormat(path));
    SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
    const auto take = [this](RawPosting fields, const InputPlace& place) {
      return Take(std::move(fields), place);
    };
    const auto leave_out = [this](absl::string_view name, const InputPlace& place) {
      return LeaveOut(name, place);
    };
    switch (format) {
      case Format::kJsonLines:
        return ReadJsonLines(*source, take, leave_out, summary_.notes);
      case Format::kJsonDocument:
        return ReadJsonDocument(*source, take, leave_out, summary_.notes);
      case Format::kPage:
        return ReadPage(*source, take, summary_.notes);
      case Format::kCsv:
        return ReadCsv(*source);
    }
    return absl::InternalError("unknown format");
  }

  PostingInputSummary& summary() { return summary_; }

 private:
  absl::Status Take(RawPosting fields, const InputPlace& place) {
    const bool id_may_repeat = fields.id_may_repeat();
    SLUICE_ASSIGN_OR_RETURN(PostingInput input,
                            PostingFromFields(std::move(fields), place, style_, summary_.notes));
    SLUICE_RETURN_IF_ERROR(Admit(id_may_repeat, place, *input.job.mutable_id()));
    ++summary_.postings;
    return sink_(std::move(input));
  }

  absl::Status Admit(bool id_may_repeat, const InputPlace& place, std::string& id) {
    const absl::Status admitted = ids_.Admit(place, id);
    if (admitted.ok() || !id_may_repeat) return admitted;
    id.clear();
    SLUICE_RETURN_IF_ERROR(ids_.Admit(place, id));
    absl::string_view reason = admitted.message();
    absl::ConsumePrefix(&reason, absl::StrCat(PlaceText(place), ": column 'id': "));
    summary_.notes.Add(place, "identifier", absl::StrCat(reason, "; the id is ", QuotedForTerminal(id)));
    return absl::OkStatus();
  }

  absl::Status LeaveOut(absl::string_view name, const InputPlace& place) {
    if (!MeaningOfColumn(name).ignored && !options_.ignore_unknown_columns)
      return UnknownColumnError(place, name);
    ++summary_.ignored_columns[std::string(name)];
    return absl::OkStatus();
  }

  absl::Status ReadCsv(ByteSource& source);
  absl::Status CheckHeader(const CsvRecord& header, const InputPlace& place) const;
  absl::StatusOr<RawPosting> FieldsFromRecord(const CsvRecord& header, CsvRecord record, bool utf8,
                                              const InputPlace& place);

  const PostingInputOptions& options_;
  PostingSink sink_;
  JobIds ids_;
  FlatStyle style_;  // of the file that is read
  PostingInputSummary summary_;
};

absl::Status PostingFiles::CheckHeader(const CsvRecord& header, const InputPlace& place) const {
  if (KnownColumns(header.fields) == 0) {
    return InputError(
        place,
        "neither JSON nor a page nor CSV with a header of known columns (id, title, company, location, "
        "date_posted, job_type, min_amount, max_amount, currency, interval, is_remote, job_url, "
        "description)");
  }
  for (const std::string& name : header.fields) {
    if (!MeaningOfColumn(name).known() && !options_.ignore_unknown_columns)
      return UnknownColumnError(place, name);
  }
  return absl::OkStatus();
}

absl::StatusOr<RawPosting> PostingFiles::FieldsFromRecord(const CsvRecord& header, CsvRecord record,
                                                          bool utf8, const InputPlace& place) {
  if (record.fields.size() != header.fields.size()) {
    return InputError(
        place, absl::StrCat("row has ", record.fields.size(), " fields, the header ", header.fields.size()));
  }
  RawPosting fields;
  for (size_t i = 0; i < record.fields.size(); ++i) {
    const std::string& name = header.fields[i];
    if (IsAbsent(record.fields[i])) continue;
    const ColumnMeaning meaning = MeaningOfColumn(name);
    if (!meaning.column.has_value()) {
      SLUICE_RETURN_IF_ERROR(LeaveOut(name, place));
      continue;
    }
    std::string text = utf8 ? std::move(record.fields[i]) : Utf8FromWindows1252(record.fields[i]);
    SLUICE_RETURN_IF_ERROR(fields.Set(*meaning.column, name, std::move(text), place));
  }
  return fields;
}

absl::Status PostingFiles::ReadCsv(ByteSource& source) {
  SLUICE_ASSIGN_OR_RETURN(const bool utf8, FileIsUtf8(source.path()));
  if (!utf8) summary_.notes.Add({source.path()}, "", kReadAsWindows1252);

  CsvReader reader(source, SniffDelimiter(absl::StripLeadingAsciiWhitespace(source.Prefix())));
  SLUICE_ASSIGN_OR_RETURN(const std::optional<CsvRecord> header, reader.Next());
  if (!header.has_value()) return InputError({source.path()}, "file is empty");
  SLUICE_RETURN_IF_ERROR(CheckHeader(*header, {source.path(), header->line}));
  while (true) {
    SLUICE_ASSIGN_OR_RETURN(std::optional<CsvRecord> record, reader.Next());
    if (!record.has_value()) return absl::OkStatus();
    const InputPlace place{source.path(), record->line};
    SLUICE_ASSIGN_OR_RETURN(RawPosting fields, FieldsFromRecord(*header, *std::move(record), utf8, place));
    SLUICE_RETURN_IF_ERROR(Take(std::move(fields), place));
  }
}

}  // namespace

absl::StatusOr<PostingInputSummary> ReadPostings(const std::vector<std::string>& files,
                                                 const PostingInputOptions& options, PostingSink sink) {
  PostingFiles reader(options, sink);
  for (const std::string& file : files) SLUICE_RETURN_IF_ERROR(reader.Read(file));
  if (reader.summary().postings == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(files.empty() ? "input" : files.front(), ": holds no postings"));
  }
  return std::move(reader.summary());
}

}  // namespace sluice
