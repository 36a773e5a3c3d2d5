#include "core/pipeline/archive_book.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/base/error_details.h"
#include "core/base/sha256.h"
#include "core/documents/wire_bytes.h"
#include "core/pipeline/lease.h"

namespace sluice {
namespace {

constexpr uint8_t kPlanFormat = 1;
constexpr uint8_t kTaskFormat = 1;
constexpr size_t kMaxEndingBytes = 8;

absl::string_view FileName(absl::string_view source) {
  const size_t slash = source.rfind('/');
  return slash == absl::string_view::npos ? source : source.substr(slash + 1);
}

// Lower case, without its dot; "" where there is none that could name a format.
std::string Ending(absl::string_view source) {
  const absl::string_view name = FileName(source);
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos || name.size() - dot - 1 > kMaxEndingBytes) return "";
  return absl::AsciiStrToLower(name.substr(dot + 1));
}

std::string ParseOptions(const ParseInput& input) {
  std::string options = absl::StrCat("parser ", kParserEdition, ";");
  if (!input.format.empty()) {
    absl::StrAppend(&options, "format ", input.format);
  } else {
    absl::StrAppend(&options, "ending ", input.ending);
  }
  if (!input.password.empty()) {
    absl::StrAppend(&options, ";password ", Sha256Hex(absl::StrCat(input.content, ":", input.password)));
  }
  return options;
}

absl::Status NotOurs(absl::string_view what) {
  return WithReason(absl::DataLossError(absl::StrCat("the stored ", what, " cannot be read")),
                    "DAMAGED_RECORD");
}

}  // namespace

ParseInput InputOf(const ArchiveDocument& document) {
  return {.content = document.content,
          .format = document.format,
          .ending = document.format.empty() ? Ending(document.source) : "",
          .password = document.password};
}

DocumentSource SourceOf(const ParseInput& input, std::shared_ptr<const OpenFile> file) {
  return {.file = std::move(file),
          .format = input.format,
          .file_name = absl::StrCat("document.", input.ending),
          .password = input.password};
}

ResultKey FactsKey(const ParseInput& input) {
  return {.content = input.content, .stage = "facts", .options = ParseOptions(input)};
}

ResultKey PagesKey(const ParseInput& input) {
  return {.content = input.content, .stage = "parse", .options = ParseOptions(input)};
}

std::string EditionOptions(const ArchiveSpec& spec, const ArchiveDocument& document) {
  return absl::StrCat("profile ", spec.profile, ";", ParseOptions(InputOf(document)));
}

BookPlan PlanBook(int pages, const std::vector<int>& known) {
  BookPlan plan{.pages = pages};
  auto next = known.begin();
  for (int first = 1; first <= pages; first += kPagesPerTask) {
    const int last = std::min(first + kPagesPerTask - 1, pages);
    const auto end = std::upper_bound(next, known.end(), last);
    const int there = static_cast<int>(end - next);
    if (there < last - first + 1) plan.ranges.push_back((first - 1) / kPagesPerTask);
    plan.reused += there;
    next = end;
  }
  return plan;
}

ParseTask TaskOfRange(int range, int pages, ParseInput input) {
  const int first = 1 + range * kPagesPerTask;
  return {.first_page = first,
          .last_page = std::min(first + kPagesPerTask - 1, pages),
          .input = std::move(input)};
}

std::string EncodePlan(const BookPlan& plan) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(kPlanFormat);
  writer.Number(static_cast<int32_t>(plan.pages));
  writer.Number(static_cast<int32_t>(plan.reused));
  writer.Number(static_cast<uint32_t>(plan.ranges.size()));
  for (const int range : plan.ranges) writer.Number(static_cast<uint16_t>(range));
  return bytes;
}

absl::StatusOr<BookPlan> DecodeBookPlan(absl::string_view bytes) {
  ByteReader reader(bytes);
  BookPlan plan;
  const auto format = reader.Number<uint8_t>();
  plan.pages = reader.Number<int32_t>();
  plan.reused = reader.Number<int32_t>();
  plan.ranges.resize(reader.Count(sizeof(uint16_t)));
  for (int& range : plan.ranges) range = reader.Number<uint16_t>();
  if (format != kPlanFormat || !reader.ok() || !reader.at_end()) return NotOurs("plan of a book");
  return plan;
}

std::string EncodeTask(const ParseTask& task) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.Number(kTaskFormat);
  writer.Number(static_cast<int32_t>(task.first_page));
  writer.Number(static_cast<int32_t>(task.last_page));
  writer.Text(task.input.content);
  writer.Text(task.input.format);
  writer.Text(task.input.ending);
  writer.Text(task.input.password);
  return bytes;
}

absl::StatusOr<ParseTask> DecodeTask(absl::string_view bytes) {
  ByteReader reader(bytes);
  ParseTask task;
  const auto format = reader.Number<uint8_t>();
  task.first_page = reader.Number<int32_t>();
  task.last_page = reader.Number<int32_t>();
  task.input.content = reader.Text();
  task.input.format = reader.Text();
  task.input.ending = reader.Text();
  task.input.password = reader.Text();
  const bool fits = task.first_page >= 1 && task.last_page >= task.first_page &&
                    task.last_page - task.first_page < kPagesPerTask;
  if (format != kTaskFormat || !reader.ok() || !reader.at_end() || !fits) return NotOurs("range of pages");
  return task;
}

StoredPage FailedPage(int number, const absl::Status& error) {
  NewOutcome failed = FailedOutcome(error);
  return {.number = number,
          .error_code = failed.error_code,
          .error_reason = std::move(failed.error_reason),
          .error_message = std::move(failed.error_message)};
}

ArchivedDocument ArchivedOf(const StoredDocument& document) {
  return {.document_id = document.key.id,
          .pages = document.head.pages,
          .failed_pages = document.counts.failed,
          .degraded_pages = document.counts.degraded,
          .blank_pages = document.counts.blank,
          .reused_pages = document.counts.reused};
}

absl::Status ContentError(const std::string& content, const absl::Status& status) {
  if (!absl::IsNotFound(status)) return status;
  return WithReason(
      absl::FailedPreconditionError(absl::StrCat(
          "the content ", content, " is not here any more: upload it and add the document again")),
      "CONTENT_MISSING");
}

bool IsUnchanged(const StoredDocument& there, const ArchiveSpec& spec, const ArchiveDocument& document) {
  return there.state == DocumentState::kComplete && there.head.content == document.content &&
         there.head.options == EditionOptions(spec, document) &&
         (document.title.empty() || document.title == there.head.title) &&
         (document.labels.empty() || document.labels == there.head.labels);
}

std::string TitleOf(const ArchiveDocument& document, const DocumentFacts& facts,
                    const StoredDocument* before) {
  if (!document.title.empty()) return document.title;
  if (before != nullptr) {
    const absl::StatusOr<DocumentFacts> said = DecodeFacts(before->head.facts);
    const bool by_hand = before->head.title != FileName(before->head.source) &&
                         (!said.ok() || before->head.title != said->title);
    if (by_hand) return before->head.title;
  }
  return facts.title.empty() ? std::string(FileName(document.source)) : facts.title;
}

std::map<std::string, std::string> LabelsOf(const ArchiveDocument& document, const StoredDocument* before) {
  return document.labels.empty() && before != nullptr ? before->head.labels : document.labels;
}

}  // namespace sluice
