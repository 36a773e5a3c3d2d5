// What the archive's stages tell each other of a book: its keys, and the plan of its tasks. Pure.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/documents/page.h"
#include "core/documents/parser/document_parser.h"
#include "core/pipeline/archive_codec.h"
#include "core/store/library_store.h"

namespace sluice {

inline constexpr int kPagesPerTask = 32;
// Of the parser: a release that reads pages otherwise gives them another one, and pages are read anew.
inline constexpr int kParserEdition = 1;

// What the parser's results depend on. A task carries it, for it sees nothing else of its job.
struct ParseInput {
  std::string content;
  std::string format;  // as asked for; "": as bytes and ending say
  std::string ending;  // of the source, lower case, without its dot; "" where a format was asked for
  std::string password;
  bool operator==(const ParseInput&) const = default;
};
ParseInput InputOf(const ArchiveDocument& document);
DocumentSource SourceOf(const ParseInput& input, std::shared_ptr<const OpenFile> file);

// With a digest of the password: whoever has not the password does not find what was read with it.
ResultKey FactsKey(const ParseInput& input);
ResultKey PagesKey(const ParseInput& input);
// Of all that an edition depends on, beside content, title and labels.
std::string EditionOptions(const ArchiveSpec& spec, const ArchiveDocument& document);

// Which pages are to be read: ranges of kPagesPerTask from page 1 on, those with a page that has no result.
struct BookPlan {
  int pages = 0;
  int reused = 0;           // had results already
  std::vector<int> ranges;  // numbers from 0; a task each, in order
  bool operator==(const BookPlan&) const = default;
};
// `known` are the pages with a good result, in order.
BookPlan PlanBook(int pages, const std::vector<int>& known);

struct ParseTask {
  int first_page = 1;
  int last_page = 1;
  ParseInput input;
  bool operator==(const ParseTask&) const = default;
};
ParseTask TaskOfRange(int range, int pages, ParseInput input);

// As a job's artifact and as tasks' payloads. Decoding answers DATA_LOSS for what is neither.
std::string EncodePlan(const BookPlan& plan);
absl::StatusOr<BookPlan> DecodeBookPlan(absl::string_view bytes);
std::string EncodeTask(const ParseTask& task);
absl::StatusOr<ParseTask> DecodeTask(absl::string_view bytes);

// A page that failed, with the error as outcomes have it.
StoredPage FailedPage(int number, const absl::Status& error);

// What became of the document that is there.
ArchivedDocument ArchivedOf(const StoredDocument& document);

// FAILED_PRECONDITION (CONTENT_MISSING) for a content that was removed after the batch was created; any other
// error as it is.
absl::Status ContentError(const std::string& content, const absl::Status& status);

// Whether `there` is what adding the document would make.
bool IsUnchanged(const StoredDocument& there, const ArchiveSpec& spec, const ArchiveDocument& document);

// What names the edition: the title and labels that were given, else those that a person gave the edition
// before, else what the document itself says.
std::string TitleOf(const ArchiveDocument& document, const DocumentFacts& facts,
                    const StoredDocument* before);
std::map<std::string, std::string> LabelsOf(const ArchiveDocument& document, const StoredDocument* before);

}  // namespace sluice
