#include "client/cpp/formats/posting_reader.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/cpp/formats/byte_source.h"
#include "client/cpp/formats/csv_table.h"
#include "client/cpp/formats/field_values.h"
#include "client/cpp/formats/flat_style.h"
#include "client/cpp/formats/job_ids.h"
#include "client/cpp/formats/json_reader.h"
#include "client/cpp/formats/page_reader.h"
#include "client/cpp/formats/posting_columns.h"
#include "client/cpp/formats/posting_object.h"
#include "core/base/status_macros.h"
#include "core/base/utf8_boundary.h"

namespace sluice {
namespace {

enum class Format { kJsonLines, kJsonDocument, kPage, kCsv };

bool IsRead(absl::string_view name) {
  return MeaningOfColumn(name).column.has_value();
}

absl::StatusOr<Format> SniffFormat(const std::string& path) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
  const absl::string_view prefix = absl::StripLeadingAsciiWhitespace(source->Prefix());
  const std::string lower_path = absl::AsciiStrToLower(path);
  const bool named_lines = absl::EndsWith(lower_path, ".jsonl") || absl::EndsWith(lower_path, ".ndjson");
  if (absl::StartsWith(prefix, "[")) return Format::kJsonDocument;
  if (absl::StartsWith(prefix, "<")) return Format::kPage;
  if (!absl::StartsWith(prefix, "{")) {
    const bool csv = CsvShapeOf(prefix, &IsRead).known_names > 0;
    return named_lines && !csv ? Format::kJsonLines : Format::kCsv;
  }
  if (named_lines) return Format::kJsonLines;
  SLUICE_ASSIGN_OR_RETURN(const bool lines, BeginsWithWholeJsonLine(*source));
  return lines ? Format::kJsonLines : Format::kJsonDocument;
}

class PostingFiles {
 public:
  PostingFiles(const PostingInputOptions& options, PostingSink sink) : options_(options), sink_(sink) {}

  absl::Status Read(const std::string& path) {
    path_ = path;
    style_ = {};
    SLUICE_ASSIGN_OR_RETURN(const Format format, SniffFormat(path));
    SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::Open(path));
    const auto take = [this](RawPosting fields, const InputPlace& place) {
      return Take(std::move(fields), place);
    };
    const auto leave_out = [this](absl::string_view name, const InputPlace& place) {
      return LeaveOut(name, place);
    };
    const auto refuse = [this](const absl::Status& reason) { return Refuse(reason); };
    switch (format) {
      case Format::kJsonLines:
        return ReadJsonLines(*source, take, leave_out, refuse, summary_.notes);
      case Format::kJsonDocument:
        return ReadJsonDocument(*source, take, leave_out, refuse, summary_.notes);
      case Format::kPage:
        return Refuse(ReadPage(*source, take, summary_.notes));
      case Format::kCsv:
        return ReadCsv(*source);
    }
    return absl::InternalError("unknown format");
  }

  PostingInputSummary& summary() { return summary_; }

 private:
  absl::Status Take(RawPosting fields, const InputPlace& place) {
    const bool id_may_repeat = fields.id_may_repeat();
    absl::StatusOr<PostingInput> input = PostingFromFields(std::move(fields), place, style_, summary_.notes);
    if (!input.ok()) return Refuse(input.status());
    const absl::Status admitted = Admit(id_may_repeat, place, *input->job.mutable_id());
    if (!admitted.ok()) return Refuse(admitted);
    ++summary_.postings;
    const absl::Status taken = sink_(*std::move(input));
    sink_failed_ |= !taken.ok();
    return taken;
  }

  // What is wrong with an input may be left out; what a sink or the disk said is no matter of the input.
  absl::Status Refuse(const absl::Status& reason) {
    if (reason.ok() || !options_.skip_bad || sink_failed_ || !absl::IsInvalidArgument(reason)) return reason;
    summary_.bad.Add(reason.message());
    return absl::OkStatus();
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
    const ColumnMeaning meaning = MeaningOfColumn(name);
    if (!meaning.ignored && !options_.ignore_unknown_columns) {
      if (!meaning.known()) return UnknownColumnError(place, name);
      return ColumnError(place, name,
                         absl::StrCat("says the same as column '", NameOfColumn(*meaning.column),
                                      "'. Keep one of them, or give --ignore-unknown-columns."));
    }
    CountIgnored(CutAtCharacter(name, PostingInputSummary::kMaxIgnoredNameBytes));
    return absl::OkStatus();
  }

  void CountIgnored(absl::string_view name) {
    auto& counts = summary_.ignored_columns;
    const auto counted = counts.find(std::string(name));
    if (counted != counts.end()) {
      ++counted->second;
    } else if (counts.size() < PostingInputSummary::kMaxIgnoredNames) {
      counts.emplace(name, 1);
    } else {
      ++summary_.ignored_under_other_names;
    }
  }

  absl::Status ReadCsv(ByteSource& source);
  absl::Status CheckHeader(const CsvTable& table, const InputPlace& place) const;
  absl::StatusOr<RawPosting> FieldsFromRow(const std::vector<std::string>& header, const CsvRecord& row,
                                           IgnoredSink ignored);
  FlatStyle StyleOf(const CsvTable& table);

  const PostingInputOptions& options_;
  PostingSink sink_;
  JobIds ids_;
  // Of the file that is read.
  std::string path_;
  FlatStyle style_;
  std::vector<ColumnMeaning> meanings_;  // of the columns of CSV
  bool sink_failed_ = false;
  PostingInputSummary summary_;
};

absl::Status PostingFiles::CheckHeader(const CsvTable& table, const InputPlace& place) const {
  const std::vector<std::string>& header = table.header();
  if (std::none_of(header.begin(), header.end(), &IsRead)) {
    return InputError(
        place,
        "neither JSON nor a page nor CSV with a header of known columns (id, title, company, location, "
        "date_posted, job_type, min_amount, max_amount, currency, interval, is_remote, job_url, "
        "description)");
  }
  for (const std::string& name : header) {
    if (!MeaningOfColumn(name).known() && !options_.ignore_unknown_columns)
      return UnknownColumnError(place, name);
  }
  return absl::OkStatus();
}

absl::StatusOr<RawPosting> PostingFiles::FieldsFromRow(const std::vector<std::string>& header,
                                                       const CsvRecord& row, IgnoredSink ignored) {
  RawPosting fields;
  const InputPlace place{path_, row.line};
  for (size_t i = 0; i < row.fields.size(); ++i) {
    if (IsAbsent(row.fields[i])) continue;
    const ColumnMeaning& meaning = meanings_[i];
    std::optional<std::string> left_out = header[i];
    if (meaning.column.has_value()) left_out = fields.Offer(*meaning.column, header[i], row.fields[i]);
    if (left_out.has_value()) SLUICE_RETURN_IF_ERROR(ignored(*left_out, place));
  }
  return fields;
}

FlatStyle PostingFiles::StyleOf(const CsvTable& table) {
  StyleEvidence evidence;
  evidence.SeeDelimiter(table.delimiter());
  for (const CsvRecord& row : table.sample()) {
    const auto no_matter = [](absl::string_view, const InputPlace&) { return absl::OkStatus(); };
    const absl::StatusOr<RawPosting> fields = FieldsFromRow(table.header(), row, no_matter);
    if (fields.ok()) evidence.See(*fields);
  }
  return evidence.Style();
}

absl::Status PostingFiles::ReadCsv(ByteSource& source) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<CsvTable> table,
                          CsvTable::Open(source, &IsRead, summary_.notes));
  SLUICE_RETURN_IF_ERROR(CheckHeader(*table, {source.path(), table->header_line()}));
  meanings_.clear();
  for (const std::string& name : table->header()) meanings_.push_back(MeaningOfColumn(name));
  style_ = StyleOf(*table);
  const auto leave_out = [this](absl::string_view name, const InputPlace& place) {
    return LeaveOut(name, place);
  };
  while (true) {
    const absl::StatusOr<std::optional<CsvRecord>> row = table->Next();
    if (!source.status().ok()) return source.status();
    if (!row.ok()) {
      SLUICE_RETURN_IF_ERROR(Refuse(row.status()));
      continue;
    }
    if (!row->has_value()) return absl::OkStatus();
    absl::StatusOr<RawPosting> fields = FieldsFromRow(table->header(), **row, leave_out);
    SLUICE_RETURN_IF_ERROR(fields.ok() ? Take(*std::move(fields), {source.path(), (*row)->line})
                                       : Refuse(fields.status()));
  }
}

}  // namespace

absl::StatusOr<PostingInputSummary> ReadPostings(const std::vector<std::string>& files,
                                                 const PostingInputOptions& options, PostingSink sink) {
  PostingFiles reader(options, sink);
  for (const std::string& file : files) SLUICE_RETURN_IF_ERROR(reader.Read(file));
  PostingInputSummary& summary = reader.summary();
  if (summary.postings == 0) {
    std::string message = absl::StrCat(files.empty() ? "input" : files.front(), ": holds no postings");
    if (summary.bad.total() > 0)
      absl::StrAppend(&message, " that can be used:\n", absl::StrJoin(summary.bad.Lines(), "\n"));
    return absl::InvalidArgumentError(message);
  }
  return std::move(summary);
}

}  // namespace sluice
